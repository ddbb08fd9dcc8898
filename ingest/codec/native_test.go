package codec

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"telltale/devices"
)

var receipt = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// noReadings makes empty readings equal to none.
var noReadings = cmp.FilterPath(
	func(p cmp.Path) bool { return p.Last().String() == ".Readings" }, cmpopts.EquateEmpty())

func nativeDecode(t testing.TB, body string) ([]devices.Report, error) {
	t.Helper()
	c, err := NewNative("topic[1]")
	if err != nil {
		t.Fatal(err)
	}
	return c.Decode(nil, Payload{Topic: "telltale/fridge-1/telemetry", Body: []byte(body), ReceivedAt: receipt})
}

func TestNativePayloads(t *testing.T) {
	t.Parallel()
	observed := time.UnixMilli(1763780000123).UTC()
	temperature := func(v float64) []devices.Reading {
		return []devices.Reading{{Metric: "temperature", Value: devices.Number(v)}}
	}
	for _, c := range []struct {
		name, body string
		want       []devices.Report
	}{
		{
			"the example of the contract",
			`{"ts": 1763780000123, "seq": 7, "values": {"temperature": 4.2, "door_open": false, "mode": "defrost"}, "faults": ["E21"]}`,
			[]devices.Report{{
				ObservedAt: observed, Seq: 7, Faults: []string{"E21"},
				Readings: []devices.Reading{
					{Metric: "temperature", Value: devices.Number(4.2)},
					{Metric: "door_open", Value: devices.Number(0)},
					{Metric: "mode", Value: devices.Label("defrost")},
				},
			}},
		},
		{"an absent time is the time of receipt", `{"values":{"temperature":-1e1}}`, []devices.Report{{ObservedAt: receipt, Readings: temperature(-10)}}},
		{"a time as text, with a zone", `{"ts":"2026-03-01T13:00:00.5+02:00"}`, []devices.Report{{ObservedAt: receipt.Add(-time.Hour + 500*time.Millisecond)}}},
		{"milliseconds with a fraction", `{"ts":1763780000123.456}`, []devices.Report{{ObservedAt: observed.Add(456 * time.Microsecond)}}},
		{"milliseconds with an exponent", `{"ts":1.763780000123e12}`, []devices.Report{{ObservedAt: observed}}},
		{"no faults are not the same as none said", `[{"faults":[]},{}]`, []devices.Report{{ObservedAt: receipt, Faults: []string{}}, {ObservedAt: receipt}}},
		{"null is no reading", `{"values":{"humidity":null,"temperature":1,"mode":""}}`, []devices.Report{{ObservedAt: receipt, Readings: temperature(1)}}},
		{"true is one", `{"values":{"temperature":true}}`, []devices.Report{{ObservedAt: receipt, Readings: temperature(1)}}},
		{"a number beyond all is infinite", `{"values":{"temperature":1e999}}`, []devices.Report{{ObservedAt: receipt, Readings: temperature(math.Inf(1))}}},
		{"escapes in keys and texts", `{"v\u0061lues":{"temp\u0065rature":1,"mode":"\u00e9\n"}}`, []devices.Report{{ObservedAt: receipt, Readings: append(temperature(1),
			devices.Reading{Metric: "mode", Value: devices.Label("é\n")})}}},
		{"stored and forwarded", ` [ {"ts":1763780000123,"values":{"temperature":1}} , {"values":{"temperature":2}} ] `, []devices.Report{
			{ObservedAt: observed, Readings: temperature(1)}, {ObservedAt: receipt, Readings: temperature(2)}}},
		{"an empty list", `[]`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for i := range c.want {
				c.want[i].Device, c.want[i].ReceivedAt = "fridge-1", receipt
			}
			got, err := nativeDecode(t, c.body)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got, noReadings); diff != "" {
				t.Errorf("reports differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWrongPayloadsAreNamedExactly(t *testing.T) {
	t.Parallel()
	many := func(n int, element string) string { return strings.TrimSuffix(strings.Repeat(element+",", n), ",") }
	var values strings.Builder
	for i := range MaxValues + 1 {
		fmt.Fprintf(&values, `,"m%02d":1`, i)
	}
	for _, c := range []struct{ name, body, want string }{
		{"nothing", ``, `payload is empty`},
		{"only blanks", " \n", `payload is empty`},
		{"a text", `hello`, `not JSON: invalid character 'h' at start of value (byte 0)`},
		{"a number", `21.5`, `must be an object or a list of objects, not a number (byte 0)`},
		{"cut off", `{"values":{"temperature":4.`, `not JSON: ends in the middle (byte 25)`},
		{"cut off after a key", `{"values"`, `not JSON: ends in the middle (byte 9)`},
		{"single quotes", `{'values':1}`, `not JSON: invalid character '\'' at start of value (byte 1)`},
		{"NaN", `{"values":{"t":NaN}}`, `not JSON: invalid character 'N' at start of value (byte 15)`},
		{"a leading zero", `{"values":{"t":01}}`, `not JSON: invalid character '1' after object value (expecting ',' or '}') (byte 16)`},
		{"a trailing comma", `{"seq":1,}`, `not JSON: invalid character ',' at start of value (byte 8)`},
		{"invalid UTF-8", "{\"values\":{\"mode\":\"\xff\"}}", `not JSON: invalid UTF-8 (byte 19)`},
		{"a byte too many", `{} x`, `not JSON: invalid character 'x' at start of value (byte 3)`},
		{"two objects", `{}{}`, `not JSON: something follows the value (byte 3)`},
		{"a key twice", `{"seq":1,"seq":2}`, `seq: key is given twice (byte 9)`},
		{"a metric twice", `{"values":{"t":1,"t":2}}`, `values.t: key is given twice (byte 17)`},
		{"an unknown key", `{"value":{"t":1}}`, `value: unknown key: there are ts, seq, values (the readings) and faults (byte 1)`},
		{"an unknown key in a list", `[{},{"seq":1,"extra":0}]`, `[1].extra: unknown key: there are ts, seq, values (the readings) and faults (byte 13)`},
		{"keys are case-sensitive", `{"TS":1}`, `TS: unknown key: there are ts, seq, values (the readings) and faults (byte 1)`},
		{"a list in a list", `[[]]`, `[0]: must be an object, not a list (byte 1)`},
		{"a time as true", `{"ts":true}`, `ts: must be Unix milliseconds or an RFC 3339 time, not true or false (byte 6)`},
		{"a time as null", `{"ts":null}`, `ts: must be Unix milliseconds or an RFC 3339 time, not null (byte 6)`},
		{"a time without zone", `{"ts":"2026-03-01 12:00"}`, `ts: must be Unix milliseconds or an RFC 3339 time such as 2026-03-01T12:00:00Z (byte 6)`},
		{"a negative sequence", `{"seq":-1}`, `seq: must be a whole number from 0 to 18446744073709551615 (byte 7)`},
		{"a sequence with a fraction", `{"seq":1.5}`, `seq: must be a whole number from 0 to 18446744073709551615 (byte 7)`},
		{"a sequence as text", `{"seq":"1"}`, `seq: must be a whole number from 0 to 18446744073709551615 (byte 7)`},
		{"values as a list", `{"values":[1]}`, `values: must be an object of values by metric, not a list (byte 10)`},
		{"an object as value", `{"values":{"gps":{"lat":1}}}`, `values.gps: must be a number, true, false or a text, not an object (byte 17)`},
		{"a long text", `{"values":{"mode":"` + strings.Repeat("x", 65) + `"}}`, `values.mode: text of 65 bytes is longer than 64 (byte 18)`},
		{"a metric without name", `{"values":{"":1}}`, `values.: name of a metric is empty (byte 11)`},
		{"a long name", `{"values":{"` + strings.Repeat("x", 129) + `":1}}`, `values.` + strings.Repeat("x", 129) + `: name of 129 bytes is longer than 128 (byte 11)`},
		{"too many values", `{"values":{` + values.String()[1:] + `}}`, `values.m64: more than 64 values (byte 523)`},
		{"faults as text", `{"faults":"E21"}`, `faults: must be a list of fault codes, not a text (byte 10)`},
		{"faults as null", `{"faults":null}`, `faults: must be a list of fault codes, not null (byte 10)`},
		{"a fault as number", `{"faults":[21]}`, `faults[0]: must be a fault code in quotes, not a number (byte 11)`},
		{"an empty fault", `{"faults":["E1",""]}`, `faults[1]: fault code must have 1 to 64 bytes, not 0 (byte 16)`},
		{"too many faults", `{"faults":[` + many(MaxFaults+1, `"E1"`) + `]}`, `faults[64]: more than 64 fault codes (byte 331)`},
		{"too many objects", `[` + many(MaxReports+1, `{}`) + `]`, `more than 1000 objects (byte 3000)`},
		{"a device that is none", `{}`, `"fridge 1" cannot be a device's id: it takes 1 to 128 letters, digits and ._:-, with single slashes between`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			codec, err := NewNative("topic[1]")
			if err != nil {
				t.Fatal(err)
			}
			topic := "telltale/fridge-1/telemetry"
			if c.name == "a device that is none" {
				topic = "telltale/fridge 1/telemetry"
			}
			_, err = codec.Decode(nil, Payload{Topic: topic, Body: []byte(c.body), ReceivedAt: receipt})
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			var pe *PayloadError
			if !errors.As(err, &pe) {
				t.Errorf("%T is no PayloadError", err)
			}
		})
	}
}

func TestDecodeReusesTheReportsItIsGiven(t *testing.T) {
	t.Parallel()
	c, err := NewNative("topic[1]")
	if err != nil {
		t.Fatal(err)
	}
	p := Payload{Topic: "telltale/fridge-1/telemetry", ReceivedAt: receipt,
		Body: []byte(`{"ts":1763780000123,"seq":9,"values":{"temperature":4.2,"door_open":true},"faults":["E21"]}`)}
	dst, err := c.Decode(nil, p)
	if err != nil {
		t.Fatal(err)
	}
	p.Body = []byte(`{"values":{"humidity":50}}`)
	dst, err = c.Decode(dst[:0], p)
	if err != nil {
		t.Fatal(err)
	}
	want := []devices.Report{{Device: "fridge-1", ObservedAt: receipt, ReceivedAt: receipt,
		Readings: []devices.Reading{{Metric: "humidity", Value: devices.Number(50)}}}}
	if diff := cmp.Diff(want, dst); diff != "" {
		t.Errorf("something of the first message is left in the second (-want +got):\n%s", diff)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	c, err := NewStatus("topic[1]")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		body, wantErr string
		want          []devices.Presence
	}{
		{"online", "", []devices.Presence{devices.Online}},
		{"offline", "", []devices.Presence{devices.Offline}},
		{"", "", nil},
		{"ONLINE", "must be online or offline (byte 0)", nil},
	} {
		t.Run(fmt.Sprintf("status %q", tc.body), func(t *testing.T) {
			t.Parallel()
			got, err := c.Decode(nil, Payload{Topic: "telltale/fridge-1/status", Body: []byte(tc.body), ReceivedAt: receipt})
			if fmt.Sprint(err) != tc.wantErr && !(err == nil && tc.wantErr == "") {
				t.Errorf("got %v, want %s", err, tc.wantErr)
			}
			var presence []devices.Presence
			for _, r := range got {
				presence = append(presence, r.Presence)
			}
			if diff := cmp.Diff(tc.want, presence); diff != "" {
				t.Errorf("presence differs (-want +got):\n%s", diff)
			}
		})
	}
}
