package loggerfile

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"telltale/devices"
)

// Metrics that a Fridge-tag's readings have. It keeps, for each day, the lowest
// and the highest temperature with their time, and the day's mean.
const (
	TemperatureMetric = "temperature"
	MeanMetric        = "temperature_mean"
)

// A Fridge-tag's report is a tree: a blank of indentation per level, "Key:" or
// "Key: value, Key: value" on each line.
//
//	Conf:
//	 Temp unit: C
//	 Alarm:
//	  1:
//	   T AL: +8.0, t AL: 600          above 8 degrees for 600 minutes
//	Hist:
//	 TS Report Creation: 2026-04-29 16:21
//	 1:
//	  Date: 2026-04-29
//	  Min T: +21.8, TS Min T: 09:49
//	  Alarm:
//	   1:
//	    t Acc: 974, TS A: 00:00, C A: 0   974 minutes above that day, alarm since 00:00
type fridgeTag struct {
	lines  *lineReader
	path   []string
	device devices.ID
	zone   *time.Location
	unit   string // UCUM
	limits map[string]limit
	until  time.Time // the report's own time
	day    *day
}

type limit struct {
	celsius float64
	kind    string
	allowed time.Duration
}

var errNoFridgeTag = errors.New("the file is no report of a Fridge-tag: it must begin with \"Device: \" and have the sections Conf and Hist")

// maxDays bounds a report; the loggers keep 60 days.
const maxDays = 1000

func readFridgeTag(r io.Reader, device devices.ID) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		f := &fridgeTag{lines: newLineReader(r), device: device, zone: time.UTC, limits: make(map[string]limit)}
		days := 0
		for {
			text, err := f.lines.next()
			if err != nil && !errors.Is(err, io.EOF) {
				yield(Entry{}, fmt.Errorf("line %d: %w", f.lines.line, err))
				return
			}
			ended := err != nil
			done, err := f.take(text, ended)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			if done != nil {
				if days++; days > maxDays {
					yield(Entry{}, fmt.Errorf("line %d: more than %d days", done.line, maxDays))
					return
				}
				if !done.yield(yield) {
					return
				}
			}
			if ended {
				if days == 0 {
					yield(Entry{}, errNoFridgeTag)
				}
				return
			}
		}
	}
}

// take reads one line. It returns a day's record when the line, or the end of
// the file, completes it.
func (f *fridgeTag) take(text string, ended bool) (done *day, err error) {
	level := len(text) - len(strings.TrimLeft(text, " "))
	content := strings.TrimSpace(text)
	if !ended && content == "" {
		return nil, nil
	}
	if f.day != nil && (ended || level < 2) {
		done, f.day = f.day, nil
	}
	if ended {
		return done, nil
	}
	if f.lines.line == 1 && !strings.HasPrefix(strings.TrimPrefix(text, "\ufeff"), "Device: ") {
		return nil, errNoFridgeTag
	}
	if level > len(f.path) {
		return nil, fmt.Errorf("line %d: is indented deeper than the line before", f.lines.line)
	}
	pairs := pairsOf(content)
	f.path = append(f.path[:level], pairs[0].key)
	if f.path[0] == "Hist" {
		return done, f.history(pairs, content)
	}
	return done, f.configuration(pairs)
}

// pair is one "Key: value".
type pair struct{ key, value string }

// pairsOf parts a line; there is at least one.
func pairsOf(content string) []pair {
	var pairs []pair
	for part := range strings.SplitSeq(content, ", ") {
		key, value, _ := strings.Cut(part, ":")
		pairs = append(pairs, pair{strings.TrimSpace(key), strings.TrimSpace(value)})
	}
	return pairs
}

func valueOf(pairs []pair, key string) (string, bool) {
	i := slices.IndexFunc(pairs, func(p pair) bool { return p.key == key })
	if i < 0 {
		return "", false
	}
	return pairs[i].value, true
}

// configuration reads what the days mean. What is wrong here is wrong for the
// whole file.
func (f *fridgeTag) configuration(pairs []pair) error {
	var err error
	switch value := pairs[0].value; strings.Join(f.path, "/") {
	case "Conf/Serial":
		if f.device == "" {
			f.device = devices.ID(value)
		}
	case "Conf/Zone":
		f.zone, err = parseZone(value)
	case "Conf/Temp unit":
		switch value {
		case "C":
			f.unit = "Cel"
		case "F":
			f.unit = "[degF]"
		default:
			err = fmt.Errorf("unknown unit %q", value)
		}
	case "Conf/Alarm/0/T AL", "Conf/Alarm/1/T AL":
		err = f.limit(f.path[2], pairs)
	}
	if err != nil {
		return fmt.Errorf("line %d: %s: %w", f.lines.line, pairs[0].key, err)
	}
	return nil
}

// parseZone reads hours from UTC. Loggers write half an hour as .50 or as .30;
// no zone can be meant by the other.
func parseZone(text string) (*time.Location, error) {
	hours, fraction, _ := strings.Cut(text, ".")
	h, err := strconv.Atoi(hours)
	minutes, known := map[string]int{"": 0, "00": 0, "50": 30, "30": 30, "75": 45, "45": 45}[fraction]
	if err != nil || h < -14 || h > 14 || !known {
		return nil, fmt.Errorf("%q is no zone", text)
	}
	if strings.HasPrefix(hours, "-") {
		minutes = -minutes
	}
	return time.FixedZone(text, (h*60+minutes)*60), nil
}

// limit reads an alarm's limit: of the first one below, of the second above.
func (f *fridgeTag) limit(index string, pairs []pair) error {
	at, err := strconv.ParseFloat(pairs[0].value, 64)
	if err != nil {
		return err
	}
	text, _ := valueOf(pairs, "t AL")
	allowed, err := minutes(text)
	if err != nil {
		return err
	}
	l := limit{celsius: at, kind: "below", allowed: allowed}
	if index == "1" {
		l.kind = "above"
	}
	if f.unit == "[degF]" {
		if l.celsius, err = devices.Convert(at, "[degF]", "Cel"); err != nil {
			return err
		}
	}
	f.limits[index] = l
	return nil
}

// history reads a line of the section Hist. What is wrong with it is wrong for
// the line alone, unless it says which day it is.
func (f *fridgeTag) history(pairs []pair, content string) error {
	if len(f.path) <= 2 {
		return f.begin(pairs)
	}
	if f.day == nil {
		return fmt.Errorf("line %d: %q belongs to no day", f.lines.line, content)
	}
	if err := f.dayLine(pairs, content); err != nil {
		f.day.faults = append(f.day.faults, &LineError{f.lines.line, fmt.Errorf("%s: %w", pairs[0].key, err)})
	}
	return nil
}

// begin reads what stands directly below Hist: the report's own times, and the
// numbers of days.
func (f *fridgeTag) begin(pairs []pair) error {
	if len(f.path) == 1 {
		if f.unit == "" || !devices.ValidID(string(f.device)) {
			return fmt.Errorf("line %d: the section Conf does not say the unit and the serial number: %w", f.lines.line, errNoFridgeTag)
		}
		return nil
	}
	switch pairs[0].key {
	case "TS Report Creation":
		at, err := time.ParseInLocation("2006-01-02 15:04", pairs[0].value, f.zone)
		if err != nil {
			return fmt.Errorf("line %d: %q is no time", f.lines.line, pairs[0].value)
		}
		f.until = at.UTC()
	case "TS Actv":
	default:
		if _, err := strconv.Atoi(pairs[0].key); err != nil {
			return fmt.Errorf("line %d: %q is no number of a day", f.lines.line, pairs[0].key)
		}
		f.day = &day{line: f.lines.line}
	}
	return nil
}
