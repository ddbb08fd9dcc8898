package codec

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

// isCBORList reports whether b begins a CBOR array, which no JSON begins with.
func isCBORList(b byte) bool { return b>>5 == 4 }

// cborMode bounds what bytes can make a reader do.
func cborMode() (cbor.DecMode, error) {
	return cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, UTF8: cbor.UTF8RejectInvalid,
		MaxNestedLevels: 8, MaxArrayElements: MaxReports + 1, MaxMapPairs: MaxValues,
	}.DecMode()
}

// senmlCBOR reads a pack in CBOR and calls one for each record.
func senmlCBOR(mode cbor.DecMode, body []byte, one func(i int, r *senmlRecord) error) error {
	var records []map[any]any
	if err := mode.Unmarshal(body, &records); err != nil {
		return senmlNoCBOR(mode, body, err)
	}
	rest := cborListItems(body)
	for i, fields := range records {
		r := newSenmlRecord()
		r.start = int64(len(body) - len(rest))
		rest, _ = mode.UnmarshalFirst(rest, new(cbor.RawMessage)) // is well-formed, as all of it is
		for key, value := range fields {
			name, err := senmlLabel(key)
			if err == nil {
				err = r.set(name, value)
			}
			if err != nil {
				return &PayloadError{Field: fmt.Sprintf("[%d].%s", i, name), Offset: r.start, Err: err}
			}
		}
		if err := one(i, &r); err != nil {
			return err
		}
	}
	return nil
}

// senmlNoCBOR says which record of a pack is not CBOR, or no record, and where
// it begins.
func senmlNoCBOR(mode cbor.DecMode, body []byte, cause error) error {
	rest := cborListItems(body)
	for i := 0; len(rest) > 0 && i <= MaxReports; i++ {
		var record map[any]any
		after, err := mode.UnmarshalFirst(rest, &record)
		if err != nil {
			if typed := new(cbor.UnmarshalTypeError); errors.As(err, &typed) {
				err = fmt.Errorf("must be a record, not a CBOR %s", typed.CBORType)
			} else {
				err = fmt.Errorf("not SenML in CBOR: %w", err)
			}
			return &PayloadError{Field: fmt.Sprintf("[%d]", i), Offset: int64(len(body) - len(rest)), Err: err}
		}
		rest = after
	}
	// All that is there is right: the list is longer than its records, or too long.
	return &PayloadError{Offset: int64(len(body) - len(rest)), Err: fmt.Errorf("not SenML in CBOR: %w", cause)}
}

// cborListItems returns what follows the head of a CBOR list: one byte, and up
// to eight more for its length (RFC 8949, section 3).
func cborListItems(body []byte) []byte {
	head := 1
	if size := body[0] & 0x1f; size >= 24 && size <= 27 {
		head += 1 << (size - 24)
	}
	return body[min(head, len(body)):]
}

// senmlLabel returns the name of a field. Those of the RFC are numbers in CBOR
// (RFC 8428, table 4); unknown numbers may be ignored.
func senmlLabel(key any) (string, error) {
	var label int64
	switch k := key.(type) {
	case string:
		return k, nil
	case uint64:
		label = int64(min(k, math.MaxInt64))
	case int64:
		label = k
	default:
		return fmt.Sprint(key), errors.New("label must be a number or a text")
	}
	const names = "bs bv bu bt bn bver n u v vs vb s t ut vd"
	if list := strings.Fields(names); label >= -6 && label <= 8 {
		return list[label+6], nil
	}
	return fmt.Sprint(label), nil
}

// set takes over the value of a field.
func (r *senmlRecord) set(name string, value any) error {
	r.anything = true
	if to := r.number(name); to != nil {
		f, ok := cborNumber(value)
		if !ok || math.IsNaN(f) {
			return errors.New("must be a number")
		}
		*to = f
		return nil
	}
	if to, has := r.text(name); to != nil {
		s, ok := value.(string)
		if data, isData := value.([]byte); isData && name == "vd" {
			s, ok = base64.RawURLEncoding.EncodeToString(data), true
		}
		if !ok {
			return errors.New("must be a text")
		}
		if limit := r.limit(to); len(s) > limit {
			return fmt.Errorf("text of %d bytes is longer than %d", len(s), limit)
		}
		*to, *has = s, true
		return nil
	}
	switch is, ok := value.(bool); {
	case name == "vb" && !ok:
		return errors.New("must be true or false")
	case name == "vb" && is:
		r.vb = 1
	case name == "vb":
		r.vb = 0
	case strings.HasSuffix(name, "_"):
		return errMandatory
	}
	return nil
}

// cborNumber reads an integer, a float or a decimal fraction (tag 4).
func cborNumber(value any) (float64, bool) {
	switch v := value.(type) {
	case uint64:
		return float64(v), true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case big.Int:
		f, _ := new(big.Float).SetInt(&v).Float64()
		return f, true
	case cbor.Tag:
		parts, ok := v.Content.([]any)
		if v.Number != 4 || !ok || len(parts) != 2 {
			return 0, false
		}
		exponent, ok1 := cborNumber(parts[0])
		mantissa, ok2 := cborNumber(parts[1])
		if !ok1 || !ok2 {
			return 0, false
		}
		if exponent < 0 { // a division is exact where a multiplication by 0.1 is not
			return mantissa / math.Pow(10, -exponent), true
		}
		return mantissa * math.Pow(10, exponent), true
	default:
		return 0, false
	}
}
