package script

import (
	"encoding/json"
	"errors"
	"os"
	"testing"
)

// FuzzRunner checks that no script and no frame gets more out of a runner than
// a JSON object or an *Error, and that the next script runs as ever.
func FuzzRunner(f *testing.F) {
	for _, name := range []string{"elsys.js", "milesight.js", "decentlab.js"} {
		source, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(source), []byte{1, 0, 0xea, 2, 0x37}, 5)
	}
	f.Add(good, []byte{}, 0)
	f.Add("const Decoder = (b, p) => ({...b, p})", []byte{1, 2}, 255)
	f.Add("function Decode(p, b, v) { throw b; }", []byte{1}, -1)
	f.Add("function decodeUplink() { return {data: {}, errors: [null, {}], warnings: 1}; }", []byte{1}, 1)
	f.Add("function Decode(p, b, v) { throw b; }", []byte{}, -1)
	f.Add("function decodeUplink() { return {errors: ['']}; }", []byte{}, 1)
	f.Add("\xff", []byte{1}, 1)
	r := newRunner(f, Options{Workers: 1})
	f.Fuzz(func(t *testing.T, source string, frame []byte, port int) {
		out, err := r.Decode(source, Input{Bytes: frame, FPort: port})
		var e *Error
		switch {
		case err != nil && (!errors.As(err, &e) || e.Message == ""):
			t.Errorf("%T: %v", err, err)
		case err == nil && (!json.Valid(out.Data) || out.Data[0] != '{'):
			t.Errorf("returned %s", out.Data)
		}
		if out, err := r.Decode(good, Input{Bytes: frame}); err != nil {
			t.Errorf("another script: %s, %v", out.Data, err)
		}
	})
}
