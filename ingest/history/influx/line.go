package influx

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"telltale/devices"
)

// Names in InfluxDB. People see them in Grafana.
const (
	numbers   = "readings"
	labels    = "labels"
	deviceTag = "device"
)

// ref names one reading: what is sent, split and refused by the piece.
type ref struct {
	report  *devices.Report
	reading int
}

func (r ref) value() devices.Value { return r.report.Readings[r.reading].Value }

// field is the measurement and the key of the reading's field.
func (r ref) field() (measurement, key string) {
	measurement = numbers
	if r.value().IsLabel() {
		measurement = labels
	}
	return measurement, fieldKey(r.report.Readings[r.reading].Metric)
}

// appendLines appends the readings in line protocol and returns how many lines
// they make: those of one report that stand together share one for their
// numbers and one for their labels.
func appendLines(b []byte, refs []ref) (_ []byte, lines int) {
	for len(refs) > 0 {
		n := 1
		for n < len(refs) && refs[n].report == refs[0].report {
			n++
		}
		before := len(b)
		if b = appendPoint(b, refs[:n], false); len(b) > before {
			lines++
		}
		before = len(b)
		if b = appendPoint(b, refs[:n], true); len(b) > before {
			lines++
		}
		refs = refs[n:]
	}
	return b, lines
}

// appendPoint appends one line with the numbers, or the labels, of readings of
// one report; nothing when there are none.
func appendPoint(b []byte, refs []ref, ofLabels bool) []byte {
	fields := 0
	for _, r := range refs {
		value := r.value()
		if value.IsLabel() != ofLabels {
			continue
		}
		if fields == 0 {
			b = appendSeries(b, r.report.Device, ofLabels)
		} else {
			b = append(b, ',')
		}
		fields++
		b = appendKey(b, fieldKey(r.report.Readings[r.reading].Metric))
		b = append(b, '=')
		if ofLabels {
			b = appendText(b, value.Label)
		} else {
			b = strconv.AppendFloat(b, value.Number, 'g', -1, 64)
		}
	}
	if fields == 0 {
		return b
	}
	b = append(b, ' ')
	b = strconv.AppendInt(b, refs[0].report.ObservedAt.UnixMicro(), 10)
	return append(b, '\n')
}

func appendSeries(b []byte, device devices.ID, ofLabels bool) []byte {
	if ofLabels {
		b = append(b, labels+","+deviceTag+"="...)
	} else {
		b = append(b, numbers+","+deviceTag+"="...)
	}
	b = appendKey(b, safeName(string(device)))
	return append(b, ' ')
}

// appendKey appends a tag value or a field key, escaped. It is safe already:
// a backslash, which no escape could make harmless at its end, is not in it.
func appendKey(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c == ',' || c == '=' || c == ' ' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return b
}

// appendText appends a string field's value, quoted.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	}
	for i := range len(s) {
		if c := s[i]; c == '"' || c == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

// escaped begins the keys of metrics whose own names InfluxDB has another use
// for.
const escaped = "metric_"

// fieldKey is the key under which a metric is stored and asked for. It holds
// allow-listed characters only, so it may stand in a query between quotes.
// The time, the device and InfluxDB's own columns keep their names: a metric
// called like one of them gets a prefix, and so does one that has the prefix.
func fieldKey(metric string) string {
	key := safeName(metric)
	if key == "time" || key == deviceTag || key[0] == '_' || strings.HasPrefix(key, escaped) {
		return escaped + key
	}
	return key
}

// safeName returns s with U+FFFD for each character that is not allowed, and
// for all of an empty one. One such name from a device must not hold up the
// history of all others.
func safeName(s string) string {
	if s == "" {
		return "\uFFFD"
	}
	for i := range len(s) {
		if !plain(s[i]) {
			return strings.Map(func(r rune) rune {
				if allowed(r) {
					return r
				}
				return utf8.RuneError
			}, s)
		}
	}
	return s
}

// plain reports whether a byte is one of those that nearly all names are made
// of.
func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '_' || c == '.' || c == ':' || c == '/' || c == '-' || c == ' '
}

// allowed reports whether a character may be in a name: letters and digits of
// all scripts, and marks of which none ends a literal, begins an escape or an
// interpolation in Flux, InfluxQL or the line protocol.
func allowed(r rune) bool {
	if r < utf8.RuneSelf {
		return plain(byte(r)) || strings.ContainsRune("%()[]<>=,;+*#@&!?|~^'", r)
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || unicode.IsNumber(r) ||
		r == '°' || r == 'µ'
}
