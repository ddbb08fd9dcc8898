package loggerfile

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"telltale/devices"
)

// day is one day's record until it is complete.
type day struct {
	line    int
	date    time.Time // its midnight; zero: not said
	entries []Entry
	faults  []*LineError
}

func (d *day) yield(yield func(Entry, error) bool) bool {
	for _, fault := range d.faults {
		if !yield(Entry{}, fault) {
			return false
		}
	}
	for _, e := range d.entries {
		if !yield(e, nil) {
			return false
		}
	}
	return true
}

func (f *fridgeTag) dayLine(pairs []pair, content string) error {
	switch strings.Join(f.path[2:], "/") {
	case "Date":
		at, err := time.ParseInLocation(time.DateOnly, pairs[0].value, f.zone)
		if err != nil {
			return fmt.Errorf("%q is no date", pairs[0].value)
		}
		f.day.date = at.UTC()
		return nil
	case "Min T":
		return f.extreme(pairs, "TS Min T")
	case "Max T":
		return f.extreme(pairs, "TS Max T")
	case "Avrg T":
		return f.mean(pairs)
	case "Alarm/0/t Acc", "Alarm/1/t Acc":
		return f.alarm(f.limits[f.path[3]], pairs, content)
	case "Int Sensor timeout/t AccST":
		return f.alarm(limit{kind: "sensor_timeout"}, pairs, content)
	default:
		return nil // what a later firmware adds
	}
}

var errNoDate = errors.New("the day has no date that could be read")

// clock returns the time of a day's record at which the clock showed text.
func (f *fridgeTag) clock(text string) (time.Time, error) {
	if f.day.date.IsZero() {
		return time.Time{}, errNoDate
	}
	at, err := time.Parse("15:04", text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no time of day", text)
	}
	return f.day.date.Add(time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute), nil
}

// extreme adds the lowest or highest temperature of a day.
func (f *fridgeTag) extreme(pairs []pair, key string) error {
	text, ok := valueOf(pairs, key)
	if !ok {
		return fmt.Errorf("%s is missing", key)
	}
	at, err := f.clock(text)
	if err != nil {
		return err
	}
	return f.reading(at, TemperatureMetric, pairs[0].value)
}

// mean adds the mean of a day, at its end.
func (f *fridgeTag) mean(pairs []pair) error {
	if f.day.date.IsZero() {
		return errNoDate
	}
	return f.reading(f.end(), MeanMetric, pairs[0].value)
}

// end is the end of the day, or of the report if that is before.
func (f *fridgeTag) end() time.Time {
	end := f.day.date.Add(24*time.Hour - time.Second)
	if f.until.After(f.day.date) && f.until.Before(end) {
		return f.until
	}
	return end
}

func (f *fridgeTag) reading(at time.Time, metric, text string) error {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("%q is no temperature", text)
	}
	e := Entry{Line: f.lines.line, Device: f.device, At: at, Metric: metric, Value: devices.Number(v), Unit: f.unit}
	for _, other := range f.day.entries {
		if other.Alarm == nil && other.Metric == metric && other.At.Equal(at) && other.Value != e.Value {
			return fmt.Errorf("%s and %s are of the same minute", other.Value, text)
		}
	}
	f.day.entries = append(f.day.entries, e)
	return nil
}

// alarm adds what the logger noted itself, if it noted anything.
func (f *fridgeTag) alarm(l limit, pairs []pair, content string) error {
	total, err := minutes(pairs[0].value)
	if err != nil {
		return err
	}
	raised, isRaised := valueOf(pairs, "TS A")
	if total == 0 && !isRaised {
		return nil
	}
	if f.day.date.IsZero() {
		return errNoDate
	}
	a := &Alarm{
		From: f.day.date, Until: f.end(), Kind: l.kind, Limit: l.celsius, Allowed: l.allowed, Total: total, Text: content,
	}
	if l.kind == "" {
		return errors.New("the section Conf does not say its limit")
	}
	if isRaised {
		if a.RaisedAt, err = f.clock(raised); err != nil {
			return err
		}
	}
	f.day.entries = append(f.day.entries, Entry{Line: f.lines.line, Device: f.device, Alarm: a})
	return nil
}

// minutes reads a whole number of minutes, of at most a day's for each day of
// a year.
func minutes(text string) (time.Duration, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 366*24*60 {
		return 0, fmt.Errorf("%q is no number of minutes", text)
	}
	return time.Duration(n) * time.Minute, nil
}
