package codec

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// senmlJSON reads a pack in JSON and calls one for each record.
func senmlJSON(d *document, body []byte, one func(i int, r *senmlRecord) error) error {
	i := 0
	err := d.list("a list of records", MaxReports+1, func() error {
		r := newSenmlRecord()
		r.start = senmlStart(body, d.dec.InputOffset())
		if err := d.object("a record", func(key string) error { return r.field(d, key) }); err != nil {
			return err
		}
		i++
		return one(i-1, &r)
	})
	if err != nil {
		return err
	}
	return d.end()
}

// senmlStart returns where the record begins that follows the token which ends
// at a byte.
func senmlStart(body []byte, end int64) int64 {
	behind := body[end:]
	return end + int64(len(behind)-len(bytes.TrimLeft(behind, ", \t\r\n")))
}

// field reads the value of a record's field.
func (r *senmlRecord) field(d *document, key string) error {
	r.anything = true
	raw, err := d.value()
	if err != nil {
		return err
	}
	if to := r.number(key); to != nil {
		if raw.Kind() != '0' {
			return d.errAt(raw, fmt.Errorf("must be a number, not %s", describe(raw.Kind())))
		}
		*to = number(raw)
		return nil
	}
	if to, has := r.text(key); to != nil {
		if raw.Kind() != '"' {
			return d.errAt(raw, fmt.Errorf("must be a text, not %s", describe(raw.Kind())))
		}
		return r.setText(d, raw, to, has)
	}
	switch {
	case key == "vb" && raw.Kind() == 't':
		r.vb = 1
	case key == "vb" && raw.Kind() == 'f':
		r.vb = 0
	case key == "vb":
		return d.errAt(raw, fmt.Errorf("must be true or false, not %s", describe(raw.Kind())))
	case strings.HasSuffix(key, "_"):
		return d.errAt(raw, errMandatory)
	}
	return nil
}

var errMandatory = errors.New("must be understood, says its name, and is not")

func (r *senmlRecord) setText(d *document, raw jsontext.Value, to *string, has *bool) error {
	s := d.text(raw)
	if limit := r.limit(to); len(s) > limit {
		return d.errAt(raw, fmt.Errorf("text of %d bytes is longer than %d", len(s), limit))
	}
	*to, *has = d.name(s), true
	return nil
}

// number returns where a field that is a number goes; nil when it is none.
// The update time is read for its form alone.
func (r *senmlRecord) number(key string) *float64 {
	switch key {
	case "bt":
		return &r.bt
	case "bv":
		return &r.bv
	case "bs":
		return &r.bs
	case "bver":
		return &r.bver
	case "v":
		return &r.v
	case "s":
		return &r.s
	case "t":
		return &r.t
	case "ut":
		return new(float64)
	default:
		return nil
	}
}

// text returns where a field that is a text goes, and what says that it is
// there; nil when it is none. Data (vd) are kept as they are written.
func (r *senmlRecord) text(key string) (to *string, has *bool) {
	switch key {
	case "bn":
		return &r.bn, &r.hasBN
	case "bu":
		return &r.bu, &r.hasBU
	case "n":
		return &r.n, new(bool)
	case "u":
		return &r.u, &r.hasU
	case "vs":
		return &r.vs, &r.hasVS
	case "vd":
		return &r.vd, &r.hasVD
	default:
		return nil, nil
	}
}

// limit returns how long the text of a field may be.
func (r *senmlRecord) limit(field *string) int {
	if field == &r.vs || field == &r.vd {
		return MaxText
	}
	return MaxName
}
