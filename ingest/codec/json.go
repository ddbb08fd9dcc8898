package codec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"telltale/devices"
)

// maxNames bounds the names that a document remembers for the next payload.
const maxNames = 4096

// document reads one JSON payload, strictly: a duplicate key, invalid UTF-8 or
// a byte behind the end is an error. It is reused through a pool, with the
// names it has met, because a fleet says the same names over and over.
type document struct {
	dec     *jsontext.Decoder
	body    bytes.Buffer
	names   map[string]string
	scratch []byte
	path    []byte // the name of the metric that flatten is at
}

// documents is a pool of documents. The zero value is ready.
type documents struct{ pool sync.Pool }

func (ds *documents) open(body []byte) *document {
	d, ok := ds.pool.Get().(*document)
	if !ok {
		d = &document{names: make(map[string]string)}
		d.dec = jsontext.NewDecoder(&d.body)
	}
	d.body = *bytes.NewBuffer(body)
	d.dec.Reset(&d.body)
	return d
}

func (ds *documents) release(d *document) {
	d.body = bytes.Buffer{} // let go of the payload
	d.dec.Reset(&d.body)
	if len(d.names) > maxNames {
		clear(d.names)
	}
	ds.pool.Put(d)
}

// errAt returns the complaint about the value read last, raw.
func (d *document) errAt(raw jsontext.Value, err error) error {
	return &PayloadError{Field: field(d.dec.StackPointer()), Offset: d.dec.InputOffset() - int64(len(raw)), Err: err}
}

// syntax returns the complaint about bytes that are not JSON.
func (d *document) syntax(err error) error {
	var s *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.EOF):
		return &PayloadError{Offset: -1, Err: errors.New("payload is empty")}
	case !errors.As(err, &s):
		return &PayloadError{Offset: d.dec.InputOffset(), Err: err}
	case errors.Is(err, jsontext.ErrDuplicateName):
		return &PayloadError{Field: field(s.JSONPointer), Offset: s.ByteOffset, Err: errors.New("key is given twice")}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &PayloadError{Offset: s.ByteOffset, Err: errors.New("not JSON: ends in the middle")}
	default:
		return &PayloadError{Offset: s.ByteOffset, Err: fmt.Errorf("not JSON: %w", s.Err)}
	}
}

// field writes a JSON pointer as people do: "/3/values/t" is "[3].values.t".
func field(p jsontext.Pointer) string {
	var b strings.Builder
	for token := range p.Tokens() {
		if _, err := strconv.Atoi(token); err == nil {
			b.WriteString("[" + token + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(token)
	}
	return b.String()
}

// value reads the next value whole, or the next key.
func (d *document) value() (jsontext.Value, error) {
	raw, err := d.dec.ReadValue()
	if err != nil {
		return nil, d.syntax(err)
	}
	return raw, nil
}

// enter reads the opening bracket of the next value, which PeekKind has shown
// to be there.
func (d *document) enter() error { return d.skipToken() }

// leave reads the closing bracket.
func (d *document) leave() error { return d.skipToken() }

func (d *document) skipToken() error {
	if _, err := d.dec.ReadToken(); err != nil {
		return d.syntax(err)
	}
	return nil
}

// end makes sure that nothing follows the value read.
func (d *document) end() error {
	if _, err := d.dec.ReadToken(); err == nil {
		return &PayloadError{Offset: d.dec.InputOffset(), Err: errors.New("not JSON: something follows the value")}
	} else if !errors.Is(err, io.EOF) {
		return d.syntax(err)
	}
	return nil
}

// expect complains when the next value is not of the kind wanted. Broken JSON
// is left for the read that follows.
func (d *document) expect(kind jsontext.Kind, what string) error {
	got := d.dec.PeekKind()
	if got == kind || got == 0 {
		return nil
	}
	raw, err := d.value()
	if err != nil {
		return err
	}
	return d.errAt(raw, fmt.Errorf("must be %s, not %s", what, describe(raw.Kind())))
}

// text returns the characters of a quoted string, valid until the next call.
func (d *document) text(raw jsontext.Value) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	// The decoder has validated it already.
	d.scratch, _ = jsontext.AppendUnquote(d.scratch[:0], raw)
	return d.scratch
}

// name returns s as a string, the same one as for the last payload if it is
// short enough to be the name of anything.
func (d *document) name(s []byte) string {
	if len(s) > MaxName {
		return string(s)
	}
	if name, ok := d.names[string(s)]; ok {
		return name
	}
	name := string(s)
	d.names[name] = name
	return name
}

// reading reads the value of a metric. ok is false when it is null or an empty
// text: then the device has nothing to say about the metric.
func (d *document) reading() (v devices.Value, ok bool, err error) {
	raw, err := d.value()
	if err != nil {
		return v, false, err
	}
	return d.readingOf(raw)
}

// readingOf is reading for a value that is read already.
func (d *document) readingOf(raw jsontext.Value) (v devices.Value, ok bool, err error) {
	switch raw.Kind() {
	case 'n':
		return v, false, nil
	case 't':
		return devices.Number(1), true, nil
	case 'f':
		return devices.Number(0), true, nil
	case '0':
		return devices.Number(number(raw)), true, nil
	case '"':
		s := d.text(raw)
		if len(s) > MaxText {
			return v, false, d.errAt(raw, fmt.Errorf("text of %d bytes is longer than %d", len(s), MaxText))
		}
		return devices.Label(d.name(s)), len(s) > 0, nil
	default:
		return v, false, d.errAt(raw, fmt.Errorf("must be a number, true, false or a text, not %s", describe(raw.Kind())))
	}
}

// number parses a JSON number. One beyond float64 is an infinity, which the
// pipeline then finds impossible.
func number(raw jsontext.Value) float64 {
	f, _ := strconv.ParseFloat(string(raw), 64) // the syntax is known to be right
	return f
}

// instant returns the time of a JSON number in the unit; zero tells the unit by
// the magnitude.
func instant(raw jsontext.Value, unit time.Duration) time.Time {
	t, _ := instantOfText(raw, unit) // the syntax is known to be right
	return t
}

// describe names a kind of JSON value with its article.
func describe(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "true or false"
	case '"':
		return "a text"
	case '0':
		return "a number"
	case '{':
		return "an object"
	default:
		return "a list"
	}
}

// label reads a short text, or null, which is "".
func (d *document) label() (string, error) {
	raw, err := d.value()
	if err != nil {
		return "", err
	}
	return d.labelOf(raw)
}

// labelOf is label for a value that is read already.
func (d *document) labelOf(raw jsontext.Value) (string, error) {
	if raw.Kind() == 'n' {
		return "", nil
	}
	if raw.Kind() != '"' {
		return "", d.errAt(raw, fmt.Errorf("must be a text, not %s", describe(raw.Kind())))
	}
	s := d.text(raw)
	if len(s) > MaxText {
		return "", d.errAt(raw, fmt.Errorf("text of %d bytes is longer than %d", len(s), MaxText))
	}
	return d.name(s), nil
}
