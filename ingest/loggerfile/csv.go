package loggerfile

import (
	"bufio"
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
	"unicode/utf8"

	"telltale/devices"
	"telltale/ingest/codec"
)

// columns of a CSV file, in any order. The device may be missing when whose
// the file is was said otherwise.
func columns() []string { return []string{"time", "device", "metric", "value"} }

const columnsText = "the columns are time, device, metric and value"

type csvReader struct {
	lines  *lineReader
	device devices.ID
	place  [4]int // of each of columns(); -1: not there
	width  int
}

func readCSV(r io.Reader, device devices.ID) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		c := &csvReader{lines: newLineReader(r), device: device}
		if err := c.header(); err != nil {
			yield(Entry{}, err)
			return
		}
		for {
			text, err := c.lines.next()
			switch {
			case errors.Is(err, io.EOF):
				return
			case errors.Is(err, errLongLine), errors.Is(err, errNoText):
				err = &LineError{c.lines.line, err}
			case err != nil:
				yield(Entry{}, err)
				return
			case strings.TrimSpace(text) == "":
				continue
			}
			var e Entry
			if err == nil {
				e, err = c.entry(text)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func (c *csvReader) header() error {
	text, err := c.lines.next()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the file is empty; %s", columnsText)
	}
	if err != nil {
		return err
	}
	names, err := cells(strings.TrimPrefix(text, "\ufeff"))
	if err != nil {
		return &LineError{1, err}
	}
	for i, name := range names {
		names[i] = strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains(columns(), names[i]) {
			return fmt.Errorf("line 1: unknown column %q; %s", name, columnsText)
		}
	}
	c.width = len(names)
	for i, name := range columns() {
		c.place[i] = slices.Index(names, name)
		if c.place[i] < 0 && (name != "device" || c.device == "") {
			return fmt.Errorf("line 1: column %q is missing; %s", name, columnsText)
		}
	}
	if c.place[1] >= 0 && c.device != "" {
		return errors.New("line 1: the file has a column for the device, so none is to be named for all of it")
	}
	return nil
}

// cells parts one line. A quoted cell does not go over lines: no time, id or
// value does.
func cells(line string) ([]string, error) {
	r := csv.NewReader(strings.NewReader(line))
	r.TrimLeadingSpace = true
	row, err := r.Read()
	var at *csv.ParseError
	if errors.As(err, &at) {
		return nil, at.Err
	}
	return row, err
}

func (c *csvReader) entry(text string) (Entry, error) {
	fail := func(format string, args ...any) (Entry, error) {
		return Entry{}, &LineError{c.lines.line, fmt.Errorf(format, args...)}
	}
	row, err := cells(text)
	if err != nil {
		return fail("%w", err)
	}
	if len(row) != c.width {
		return fail("has %d columns, the header %d", len(row), c.width)
	}
	cell := func(i int) string { return strings.TrimSpace(row[c.place[i]]) }
	e := Entry{Line: c.lines.line, Device: c.device, Metric: cell(2)}
	if c.place[1] >= 0 {
		e.Device = devices.ID(cell(1))
	}
	if !devices.ValidID(string(e.Device)) {
		return fail("%q is no device id", e.Device)
	}
	if e.Metric == "" || len(e.Metric) > codec.MaxName {
		return fail("metric must have 1 to %d bytes", codec.MaxName)
	}
	if e.At, err = parseTime(cell(0)); err != nil {
		return fail("%w", err)
	}
	if e.Value, err = parseValue(cell(3)); err != nil {
		return fail("%w", err)
	}
	return e, nil
}

// parseTime reads RFC 3339 or a Unix time, whose unit its magnitude tells.
func parseTime(text string) (time.Time, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return codec.Instant(n), nil
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(f) {
		return codec.InstantOf(f), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no time: write 2026-03-01T12:00:00Z or a Unix time", text)
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
	case err == nil && !math.IsNaN(f) && !math.IsInf(f, 0):
		return devices.Number(f), nil
	case err == nil || errors.Is(err, strconv.ErrRange):
		return devices.Value{}, fmt.Errorf("%s is no finite number", text)
	case len(text) > codec.MaxText:
		return devices.Value{}, fmt.Errorf("text of %d bytes is longer than %d", len(text), codec.MaxText)
	}
	return devices.Label(text), nil
}

// Faults of one line.
var (
	errLongLine = fmt.Errorf("is longer than %d bytes", MaxLine)
	errNoText   = errors.New("is no text in UTF-8")
)

// lineReader reads lines and counts them. A line that is too long is skipped.
type lineReader struct {
	r    *bufio.Reader
	line int
}

func newLineReader(r io.Reader) *lineReader { return &lineReader{r: bufio.NewReaderSize(r, MaxLine)} }

// next returns a line without its end, or a fault of the line, or what ended
// the file.
func (l *lineReader) next() (string, error) {
	text, err := l.r.ReadSlice('\n')
	l.line++
	if errors.Is(err, bufio.ErrBufferFull) {
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = l.r.ReadSlice('\n')
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return "", errLongLine
	}
	if err != nil && (len(text) == 0 || !errors.Is(err, io.EOF)) {
		return "", err
	}
	line := strings.TrimRight(string(text), "\r\n")
	if !utf8.ValidString(line) || strings.ContainsRune(line, 0) {
		return "", errNoText
	}
	return line, nil
}
