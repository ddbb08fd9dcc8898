package devices

import (
	"errors"
	"strconv"
	"strings"
)

// TextUnit reports whether a unit says that a metric's values are words.
func TextUnit(unit string) bool {
	switch strings.ToLower(unit) {
	case "text", "string", "label", "enum":
		return true
	}
	return false
}

// SwitchUnit reports whether a unit says that a metric is either 1 or 0.
func SwitchUnit(unit string) bool {
	switch strings.ToLower(unit) {
	case "bool", "boolean":
		return true
	}
	return false
}

// takesText reports whether a text can be a value of the metric.
func (m Metric) takesText() bool { return m.Unit == "" || TextUnit(m.Unit) }

// Read returns the number that a text stands for where the metric is one: a
// decimal number of a quantity, on and off of a switch. Everything else is
// returned as it is; whether that is believed, [Metric.Believes] says.
func (m Metric) Read(v Value) Value {
	if !v.IsLabel() || m.takesText() {
		return v
	}
	if n, ok := ParseNumber(v.Label); ok {
		return Number(n)
	}
	if SwitchUnit(m.Unit) {
		switch strings.ToLower(v.Label) {
		case "on", "yes", "true":
			return Number(1)
		case "off", "no", "false":
			return Number(0)
		}
	}
	return v
}

// ParseNumber reads a decimal number as devices write them; "inf", "nan" and
// what only Go takes for a number are none. One that is too large is infinite.
func ParseNumber(s string) (float64, bool) {
	if s == "" || !strings.ContainsRune("+-.0123456789", rune(s[0])) || strings.ContainsAny(s, "xXpP_iInN") {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil || errors.Is(err, strconv.ErrRange)
}
