package codec

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"
)

// resolvedForm is a record of the resolved forms that come with the examples of
// RFC 8428.
type resolvedForm struct {
	N  string   `json:"n"`
	U  string   `json:"u"`
	T  float64  `json:"t"`
	V  *float64 `json:"v"`
	VS string   `json:"vs"`
	VB *bool    `json:"vb"`
	L  string   `json:"l"`
}

func senmlResolveAll(t *testing.T, body []byte, now time.Time) (all []senmlResolved) {
	t.Helper()
	pack := senmlPack{now: now}
	one := func(_ int, r *senmlRecord) error {
		s, ok, err := pack.resolve(r)
		if ok {
			all = append(all, s)
		}
		return err
	}
	var err error
	if isCBORList(body[0]) {
		mode, _ := cborMode()
		err = senmlCBOR(mode, body, one)
	} else {
		var docs documents
		err = senmlJSON(docs.open(body), body, one)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestExamplesOfTheSenMLStandard resolves the examples of RFC 8428, in JSON and
// in CBOR, and compares them with the published resolved forms.
func TestExamplesOfTheSenMLStandard(t *testing.T) {
	t.Parallel()
	const folder = "../../../shared/data/senml/"
	for _, path := range append(shared(t, "senml/ex*[0-9].json"), shared(t, "senml/*.cbor")...) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			body := dump(t, path)
			name, _, _ := strings.Cut(filepath.Base(path), ".")
			raw, err := os.ReadFile(folder + name + ".gen.resolved.json")
			if name == "ex13" {
				raw, err = []byte(`[{"n":"2001:db8::3","u":"/","t":1320078429,"v":0.5},{"n":"2001:db8::4","u":"/","t":1320078429,"v":0.5},
					{"n":"2001:db8::3","u":"/","t":1320078429.1,"v":0},{"n":"2001:db8::4","u":"/","t":1320078429.1,"v":0}]`), nil
			}
			if err != nil {
				t.Fatal(err)
			}
			var want []resolvedForm
			if err := json.Unmarshal(raw, &want); err != nil {
				t.Fatal(err)
			}
			if name == "ex7" { // the published form leaves the data out
				want = append(want, resolvedForm{N: "urn:dev:ow:10e2073a01080063:nfv-reader", T: want[0].T, VS: "aGkgCg"})
			}
			var got []resolvedForm
			for _, s := range senmlResolveAll(t, body, InstantOf(want[0].T)) {
				form := resolvedForm{N: s.base + s.name, U: s.unit, T: float64(s.at.UnixMicro()) / 1e6, VS: s.value.Label}
				if s.value.Label == "" {
					form.V = &s.value.Number
				}
				got = append(got, form)
			}
			for i := range want {
				want[i].L = ""
				if vb := want[i].VB; vb != nil {
					want[i].VB, want[i].V = nil, new(float64)
					if *vb {
						*want[i].V = 1
					}
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("resolved forms differ (-want +got):\n%s", diff)
			}
			c, err := NewSenML("")
			if err != nil {
				t.Fatal(err)
			}
			reports, err := c.Decode(nil, Payload{Topic: "senml", Body: body, ReceivedAt: receipt})
			if err != nil {
				t.Fatal(err)
			}
			checkLimits(t, reports)
		})
	}
}

func TestSenMLPacks(t *testing.T) {
	t.Parallel()
	c, err := NewSenML("")
	if err != nil {
		t.Fatal(err)
	}
	const at = `"bt":1763780000,`
	checkMessages(t, c, []sent{
		{"base name and names", "x", `[{` + at + `"bn":"urn:dev:ow:10e2:","n":"temp","u":"Cel","v":4.2},{"n":"open","vb":true},{"n":"mode","vs":"defrost"},{"n":"raw","vd":"aGkgCg"}]`,
			`urn:dev:ow:10e2 at 2025-11-22T02:53:20Z: temp=4.2Cel open=1 mode=defrost! raw=aGkgCg!`},
		{"a base name without a separator", "x", `[{"bn":"urn:dev:ow:10e2073a01080063","n":"temp","v":4.2}]`, `urn:dev:ow:10e2073a01080063: temp=4.2`},
		{"names that are resolved already", "x", `[{"n":"urn:dev:ow:10e2:temp","v":1},{"n":"urn:dev:mac:0024be_room/hum","v":2},{"n":"2001:db8::2/temperature","v":3},{"n":"fridge-7:door:open","vb":false}]`,
			"urn:dev:ow:10e2: temp=1\nurn:dev:mac:0024be: room_hum=2\n2001:db8::2: temperature=3\nfridge-7:door: open=0"},
		{"an address alone is named by its unit", "x", `[{"n":"2001:db8::3","u":"%RH","v":20},{"n":"00:24:be:ff:fe:80","v":1},{"n":"fridge-7","u":"/","v":0.5},{"n":"urn:dev:ow:10e2","u":"lon","v":24.3}]`,
			"2001:db8::3: RH=20%RH\n00:24:be:ff:fe:80: value=1\nfridge-7: value=0.5/\nurn:dev:ow:10e2: lon=24.3deg"},
		{"times are relative to the receipt", "x", `[{"bn":"f/","n":"a","v":1,"t":-90},{"n":"a","v":2},{"bt":-10,"n":"a","t":-20,"v":3}]`,
			"f at 2026-03-01T11:58:30Z: a=1\nf: a=2\nf at 2026-03-01T11:59:30Z: a=3"},
		{"times are added to the base time", "x", `[{` + at + `"bn":"f/","n":"a","v":1,"t":-1.5},{"n":"a","v":2,"t":0.25}]`,
			"f at 2025-11-22T02:53:18.5Z: a=1\nf at 2025-11-22T02:53:20.25Z: a=2"},
		{"base value, base sum and sums", "x", `[{"bn":"f/","bv":100,"bs":5,"n":"power","u":"W","v":1,"s":2},{"n":"total","u":"A","s":7}]`,
			"f: power=101W power_sum=7J total_sum=12A.s"},
		{"coulomb and farad are no degrees", "x", `[{"bn":"f/","n":"q","u":"C","v":1},{"n":"c","u":"F","v":2}]`, `f: q=1coulomb c=2farad`},
		{"links, unknown fields and update times", "x", `[{"bn":"f/","n":"a","v":1,"l":"[]","extra":{"x":1},"ut":60}]`, `f: a=1`},
		{"base fields alone", "x", `[{"bn":"f/","bver":10},{"n":"a","v":1}]`, `f: a=1`},
		{"an empty text says nothing", "x", `[{"bn":"f/","n":"a","vs":""},{"n":"b","v":1}]`, `f: b=1`},
		{"an empty pack", "x", `[]`, ``},

		{"no list", "x", `{"n":"a","v":1}`, `wrong: must be a list of records, not an object (byte 0)`},
		{"no record", "x", `[1]`, `wrong: [0]: must be a record, not a number (byte 1)`},
		{"an unknown field that must be understood", "x", `[{"n":"f/a","v":1,"new_":3}]`, `wrong: [0].new_: must be understood, says its name, and is not (byte 25)`},
		{"a value that is a text", "x", `[{"n":"f/a","v":"1"}]`, `wrong: [0].v: must be a number, not a text (byte 16)`},
		{"a name that is a number", "x", `[{"n":1,"v":1}]`, `wrong: [0].n: must be a text, not a number (byte 6)`},
		{"a switch that is a number", "x", `[{"n":"f/a","vb":1}]`, `wrong: [0].vb: must be true or false, not a number (byte 17)`},
		{"two values", "x", `[{"n":"f/a","v":1,"vb":true}]`, `wrong: [0]: has more than one value (byte 1)`},
		{"no value", "x", `[{"n":"f/a"}]`, `wrong: [0]: has neither a value nor a sum (byte 1)`},
		{"nothing", "x", ` [ {}]`, `wrong: [0]: has neither a value nor a sum (byte 3)`},
		{"no name", "x", `[{"v":1}]`, `wrong: [0]: has no name (byte 1)`},
		{"a name with a blank", "x", `[{"n":"fridge 7","v":1}]`, `wrong: [0]: name "fridge 7" has a character other than letters, digits and -:./_ (byte 1)`},
		{"a name that begins with a dash", "x", `[{"n":"-a/b","v":1}]`, `wrong: [0]: name "-a/b" does not begin with a letter or a digit (byte 1)`},
		{"a version to come", "x", `[{"bver":11,"n":"f/a","v":1}]`, `wrong: [0]: version 11 is not between 1 and 10 (byte 1)`},
		{"two versions", "x", `[{"bver":5,"n":"f/a","v":1},
 {"bver":6,"n":"f/a","v":1}]`, `wrong: [1]: version differs from that of the records before (byte 30)`},
		{"cut off", "x", `[{"n":"f/a","v":1}`, `wrong: not JSON: ends in the middle (byte 18)`},
		{"CBOR cut off", "x", "\x81\xa2\x00", `wrong: [0]: not SenML in CBOR: unexpected EOF (byte 1)`},
		{"CBOR that is no record", "x", "\x81\x01", `wrong: [0]: must be a record, not a CBOR positive integer (byte 1)`},
		{"CBOR whose second record is cut off", "x", "\x82\xa2\x00\x63f/a\x02\x01\xa2\x00", `wrong: [1]: not SenML in CBOR: unexpected EOF (byte 9)`},
		{"CBOR with a record too few", "x", "\x98\x02\xa2\x00\x63f/a\x02\x01", `wrong: not SenML in CBOR: unexpected EOF (byte 10)`},
		{"CBOR whose second record is wrong", "x", "\x9f\xa2\x00\x63f/a\x02\x01\xa1\x00\x63f/b\xff", `wrong: [1]: has neither a value nor a sum (byte 9)`},
	})
}

func TestSenMLOfOneDevicePerTopic(t *testing.T) {
	t.Parallel()
	c, err := NewSenML("topic[1]")
	if err != nil {
		t.Fatal(err)
	}
	checkMessages(t, c, []sent{
		{"the base name is of no interest", "senml/fridge-7", `[{"bn":"/3303/0/","n":"5700","v":4}]`, `wrong: [0]: name "/3303/0/5700" does not begin with a letter or a digit (byte 1)`},
		{"names are metrics", "senml/fridge-7", `[{"bn":"urn:dev:ow:10e2:","n":"temp","v":4},{"n":"room/hum","v":50}]`, `fridge-7: temp=4 room_hum=50`},
		{"a device that is none", "senml/fridge 7", `[{"n":"temp","v":4}]`, `wrong: [0]: "fridge 7" cannot be a device's id: it takes 1 to 128 letters, digits and ._:-, with single slashes between (byte 1)`},
	})
}

func TestSenMLInCBORTakesEachFormOfANumber(t *testing.T) {
	t.Parallel()
	c, err := NewSenML("")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name  string
		field any
		value any
		want  string
	}{
		{"an integer", 2, 7, "f: a=7"},
		{"a negative one", 2, -7, "f: a=-7"},
		{"a float", 2, 0.5, "f: a=0.5"},
		{"a decimal fraction", 2, cbor.Tag{Number: 4, Content: []int{-1, 231}}, "f: a=23.1"},
		{"a name as text", "v", 1, "f: a=1"},
		{"data", 8, []byte("hi \n"), "f: a=aGkgCg!"},
		{"a switch", 4, true, "f: a=1"},
		{"a text instead", 2, "x", "wrong: [0].v: must be a number (byte 1)"},
		{"a number instead", 3, 1, "wrong: [0].vs: must be a text (byte 1)"},
		{"NaN", 2, math.NaN(), "wrong: [0].v: must be a number (byte 1)"},
		{"an unknown field that must be understood", "new_", 1, "wrong: [0].new_: must be understood, says its name, and is not (byte 1)"},
		{"an unknown number", 99, 1, "wrong: [0]: has neither a value nor a sum (byte 1)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			body, err := cbor.Marshal([]map[any]any{{0: "f/a", tc.field: tc.value}})
			if err != nil {
				t.Fatal(err)
			}
			reports, err := c.Decode(nil, Payload{Topic: "x", Body: body, ReceivedAt: receipt})
			got := say(reports)
			if err != nil {
				got = "wrong: " + err.Error()
			}
			if got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}
