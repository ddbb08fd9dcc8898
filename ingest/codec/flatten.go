package codec

import (
	"fmt"
	"strconv"

	"telltale/devices"
)

// MaxFlattened bounds the values that a codec without a list of paths takes
// from one object: a meter with four channels says about two hundred.
const MaxFlattened = 512

// flatten reads the next value, whatever it is, into readings: those of
// objects and lists under the names of all keys on the way with "_" between,
// so {"DS18B20":{"Temperature":20.6}} is DS18B20_Temperature. Names stay as
// they stand but for what no condition of a rule could write, which becomes
// "_" as well. Null says nothing, and neither does an empty text nor one too
// long to be a value of telemetry, such as an address or a list in quotes.
func (d *document) flatten(r *devices.Report, name ...string) error {
	d.path = d.path[:0]
	for _, s := range name {
		d.path = appendName(d.path, s)
	}
	return d.flattenHere(r)
}

// flattenHere reads the next value into readings under the name in d.path.
func (d *document) flattenHere(r *devices.Report) error {
	switch d.dec.PeekKind() {
	case '{':
		return d.flattenObject(r)
	case '[':
		return d.flattenList(r)
	}
	raw, err := d.value()
	if err != nil {
		return err
	}
	if raw.Kind() == '"' && len(d.text(raw)) > MaxText {
		return nil
	}
	v, ok, err := d.readingOf(raw)
	if err != nil || !ok {
		return err
	}
	switch {
	case len(r.Readings) == MaxFlattened:
		return d.errAt(raw, fmt.Errorf("more than %d values", MaxFlattened))
	case len(d.path) == 0:
		return d.errAt(raw, fmt.Errorf("must be an object, not %s", describe(raw.Kind())))
	case len(d.path) > MaxName:
		return d.errAt(raw, fmt.Errorf("name of %d bytes is longer than %d", len(d.path), MaxName))
	}
	r.Readings = append(r.Readings, devices.Reading{Metric: d.name(d.path), Value: v})
	return nil
}

func (d *document) flattenObject(r *devices.Report) error {
	here := len(d.path)
	if err := d.enter(); err != nil {
		return err
	}
	for d.more('}') {
		key, err := d.value()
		if err != nil {
			return err
		}
		d.path = appendName(d.path[:here], d.text(key))
		if err := d.flattenHere(r); err != nil {
			return err
		}
	}
	d.path = d.path[:here]
	return d.leave()
}

func (d *document) flattenList(r *devices.Report) error {
	here := len(d.path)
	if err := d.enter(); err != nil {
		return err
	}
	for i := 0; d.more(']'); i++ {
		d.path = appendName(d.path[:here], strconv.Itoa(i))
		if err := d.flattenHere(r); err != nil {
			return err
		}
	}
	d.path = d.path[:here]
	return d.leave()
}

// appendName appends s to the name of a metric, behind a "_" if there is one.
func appendName[S string | []byte](name []byte, s S) []byte {
	if len(name) > 0 && len(s) > 0 {
		name = append(name, '_')
	}
	for i := range len(s) {
		c := s[i]
		if c < 0x80 && !isWord(c) {
			c = '_'
		}
		name = append(name, c)
	}
	return name
}

// isWord reports whether an ASCII character may stand in a name.
func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

// object reads an object; each is called behind every key, as it is in the
// payload, and reads its value.
func (d *document) object(what string, each func(key string) error) error {
	if err := d.expect('{', what); err != nil {
		return err
	}
	if err := d.enter(); err != nil {
		return err
	}
	for d.more('}') {
		key, err := d.value()
		if err != nil {
			return err
		}
		if err := each(d.name(d.text(key))); err != nil {
			return err
		}
	}
	return d.leave()
}

// skip reads the next value and forgets it.
func (d *document) skip() error {
	_, err := d.value()
	return err
}

// list reads a list of at most limit elements, each with each.
func (d *document) list(what string, limit int, each func() error) error {
	if err := d.expect('[', what); err != nil {
		return err
	}
	if err := d.enter(); err != nil {
		return err
	}
	for n := 0; d.more(']'); n++ {
		if n == limit {
			return &PayloadError{Offset: d.dec.InputOffset(), Err: fmt.Errorf("more than %d elements", limit)}
		}
		if err := each(); err != nil {
			return err
		}
	}
	return d.leave()
}
