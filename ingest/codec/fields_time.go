package codec

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"telltale/devices"
)

// time reads a time as the layout says.
func (w *fieldsWalk) time(raw jsontext.Value) (time.Time, error) {
	t, ok := w.c.parseTime(raw, w.d)
	if ok {
		return t, nil
	}
	layout := w.c.layout
	if layout == "" || layout == "auto" {
		layout = "a Unix time or as RFC 3339, such as 2026-03-01T12:00:00Z"
	}
	return t, w.d.errAt(raw, fmt.Errorf("must be a time written as %s", layout))
}

func (c *Fields) parseTime(raw jsontext.Value, d *document) (time.Time, bool) {
	text := []byte(raw)
	switch raw.Kind() {
	case '"':
		text = d.text(raw)
	case '0':
	default:
		return time.Time{}, false
	}
	unit, isUnix := unixUnit(c.layout)
	switch {
	case isUnix:
		return instantOfText(text, unit)
	case raw.Kind() == '0' && !isAutoLayout(c.layout):
		return time.Time{}, false
	case isAutoLayout(c.layout):
		if t, ok := instantOfText(text, 0); ok {
			return t, true
		}
	}
	layout := c.layout
	if isAutoLayout(layout) || layout == "rfc3339" {
		layout = time.RFC3339
	}
	t, err := time.ParseInLocation(layout, string(text), c.zone)
	return t.UTC(), err == nil
}

func isAutoLayout(layout string) bool { return layout == "" || layout == "auto" }

// unixUnit returns what a number means in a layout of Unix times.
func unixUnit(layout string) (time.Duration, bool) {
	switch layout {
	case "unix":
		return time.Second, true
	case "unix_ms":
		return time.Millisecond, true
	case "unix_us":
		return time.Microsecond, true
	case "unix_ns":
		return time.Nanosecond, true
	default:
		return 0, false
	}
}

// deviceID reads an id that is a text or a whole number.
func deviceID(d *document) (devices.ID, error) {
	raw, err := d.value()
	if err != nil {
		return "", err
	}
	return d.deviceIDOf(raw)
}

// deviceIDOf is deviceID for a value that is read already.
func (d *document) deviceIDOf(raw jsontext.Value) (devices.ID, error) {
	s := []byte(raw)
	switch raw.Kind() {
	case '"':
		s = d.text(raw)
	case '0':
	default:
		return "", d.errAt(raw, fmt.Errorf("device must be a text or a number, not %s", describe(raw.Kind())))
	}
	id := d.name(s)
	if _, err := checkID(id); err != nil {
		return "", d.errAt(raw, errors.Unwrap(err))
	}
	return devices.ID(id), nil
}
