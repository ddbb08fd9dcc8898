package influx

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// line is a parsed line of the line protocol, as its reference describes it.
type line struct {
	measurement string
	tags        map[string]string
	fields      map[string]any
	at          int64
}

func (l line) equal(o line) bool {
	return l.measurement == o.measurement && l.at == o.at && maps.Equal(l.tags, o.tags) && maps.Equal(l.fields, o.fields)
}

// lineReader takes a line apart, byte by byte.
type lineReader struct{ rest string }

func parseLine(s string) (l line, err error) {
	r := lineReader{rest: s}
	l.measurement = r.key(", ")
	l.tags = make(map[string]string)
	for r.take(',') {
		name := r.key("=")
		if !r.take('=') {
			return l, errors.New("a tag without a value")
		}
		l.tags[name] = r.key(", ")
	}
	if !r.take(' ') {
		return l, errors.New("no space before the fields")
	}
	l.fields = make(map[string]any)
	for more := true; more; more = r.take(',') {
		name := r.key("=")
		if !r.take('=') || name == "" {
			return l, errors.New("a field without a value")
		}
		if l.fields[name], err = r.value(); err != nil {
			return l, err
		}
	}
	if !r.take(' ') {
		return l, errors.New("no space before the time")
	}
	text, ok := strings.CutSuffix(r.rest, "\n")
	if !ok {
		return l, errors.New("no end of line")
	}
	l.at, err = strconv.ParseInt(text, 10, 64)
	return l, err
}

func (r *lineReader) take(c byte) bool {
	if r.rest == "" || r.rest[0] != c {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

// key reads up to one of the ends that no backslash stands before.
func (r *lineReader) key(ends string) string {
	var b strings.Builder
	for i := 0; i < len(r.rest); i++ {
		c := r.rest[i]
		switch {
		case c == '\\' && i+1 < len(r.rest) && strings.IndexByte(", =", r.rest[i+1]) >= 0:
			i++
			b.WriteByte(r.rest[i])
		case strings.IndexByte(ends, c) >= 0:
			r.rest = r.rest[i:]
			return b.String()
		case c == '\n':
			return "" // keys cannot hold one
		default:
			b.WriteByte(c)
		}
	}
	return ""
}

func (r *lineReader) value() (any, error) {
	if !r.take('"') {
		text := r.rest[:strings.IndexAny(r.rest+" ", ", ")]
		r.rest = r.rest[len(text):]
		return strconv.ParseFloat(text, 64)
	}
	var b strings.Builder
	for i := 0; i < len(r.rest); i++ {
		switch c := r.rest[i]; {
		case c == '\\' && i+1 < len(r.rest) && (r.rest[i+1] == '"' || r.rest[i+1] == '\\'):
			i++
			b.WriteByte(r.rest[i])
		case c == '"':
			r.rest = r.rest[i+1:]
			return b.String(), nil
		default:
			b.WriteByte(c)
		}
	}
	return nil, fmt.Errorf("a text without an end in %q", r.rest)
}
