package backtest

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"telltale/devices"
)

// Reading is one value of one metric of one device, from a file.
type Reading struct {
	Device devices.ID
	Metric string
	At     time.Time
	Value  devices.Value
}

// LineError is what is wrong with one line of a file.
type LineError struct {
	Line int // from 1, the header's
	Err  error
}

// Error returns "line 7: ...".
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns what is wrong.
func (e *LineError) Unwrap() error { return e.Err }

// columns are what a file must have, in any order.
func columns() []string { return []string{"time", "device", "metric", "value"} }

// ReadCSV yields the readings of a file with the columns time, device, metric
// and value, in the order of the file. Times are RFC 3339, or Unix
// milliseconds. It stops after the first error, which is a [*LineError] or
// comes from r. The readings of one device share their strings.
func ReadCSV(r io.Reader) iter.Seq2[Reading, error] {
	return func(yield func(Reading, error) bool) {
		c := &csvReader{rows: csv.NewReader(r), known: make(map[string]string)}
		c.rows.ReuseRecord = true
		c.rows.TrimLeadingSpace = true
		if err := c.header(); err != nil {
			yield(Reading{}, err)
			return
		}
		for {
			reading, err := c.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(reading, err) || err != nil {
				return
			}
		}
	}
}

type csvReader struct {
	rows  *csv.Reader
	place [4]int            // column of each of columns()
	known map[string]string // device ids and metric names, each kept once
}

func (c *csvReader) header() error {
	row, err := c.rows.Read()
	if errors.Is(err, io.EOF) {
		return &LineError{1, errors.New("the file is empty; the header is time,device,metric,value")}
	}
	if err != nil {
		return c.broken(err)
	}
	names := make([]string, len(row))
	for i, name := range row {
		names[i] = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))
		if !slices.Contains(columns(), names[i]) {
			return &LineError{1, fmt.Errorf("unknown column %q (the header is time,device,metric,value)", name)}
		}
	}
	for i, name := range columns() {
		if c.place[i] = slices.Index(names, name); c.place[i] < 0 {
			return &LineError{1, fmt.Errorf("column %q is missing (the header is time,device,metric,value)", name)}
		}
	}
	return nil
}

func (c *csvReader) next() (Reading, error) {
	row, err := c.rows.Read()
	if err != nil {
		return Reading{}, c.broken(err)
	}
	reading, err := c.parse(row)
	if err != nil {
		line, _ := c.rows.FieldPos(0)
		return Reading{}, &LineError{line, err}
	}
	return reading, nil
}

func (c *csvReader) parse(row []string) (Reading, error) {
	at, err := parseTime(row[c.place[0]])
	if err != nil {
		return Reading{}, err
	}
	device, metric := row[c.place[1]], row[c.place[2]]
	if !devices.ValidID(device) {
		return Reading{}, fmt.Errorf("%q is not a device id", device)
	}
	if metric == "" {
		return Reading{}, errors.New("metric is empty")
	}
	value, err := parseValue(row[c.place[3]])
	if err != nil {
		return Reading{}, err
	}
	return Reading{Device: devices.ID(c.keep(device)), Metric: c.keep(metric), At: at, Value: value}, nil
}

// keep returns a copy of s that outlives the row, the same one every time.
func (c *csvReader) keep(s string) string {
	kept, ok := c.known[s]
	if !ok {
		kept = strings.Clone(s)
		c.known[kept] = kept
	}
	return kept
}

// broken says on which line the file is not CSV.
func (c *csvReader) broken(err error) error {
	var at *csv.ParseError
	if !errors.As(err, &at) {
		return err
	}
	if errors.Is(at.Err, csv.ErrFieldCount) {
		return &LineError{at.Line, errors.New("not as many columns as the header")}
	}
	return &LineError{at.Line, at.Err}
}

// year2000 is in Unix milliseconds. Fewer are most likely seconds, which
// would land every reading in January 1970.
const year2000 = 946_684_800_000

func parseTime(text string) (time.Time, error) {
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		if ms < year2000 || ms > math.MaxInt64/int64(time.Millisecond) {
			return time.Time{}, fmt.Errorf("time %s is not in Unix milliseconds", text)
		}
		return time.UnixMilli(ms).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a time (RFC 3339 or Unix milliseconds)", text)
	}
	return t.UTC(), nil
}

func parseValue(text string) (devices.Value, error) {
	switch text {
	case "":
		return devices.Value{}, errors.New("value is empty")
	case "true":
		return devices.Number(1), nil
	case "false":
		return devices.Number(0), nil
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange):
		return devices.Label(strings.Clone(text)), nil
	case err != nil || math.IsNaN(f) || math.IsInf(f, 0):
		return devices.Value{}, fmt.Errorf("%s is not a finite number", text)
	}
	return devices.Number(f), nil
}
