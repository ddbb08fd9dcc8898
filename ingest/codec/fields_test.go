package codec

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
)

func fieldsCodec(t testing.TB, device string, m FieldMap) *Fields {
	t.Helper()
	c, err := NewFields(device, &m)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFieldsFollowPaths(t *testing.T) {
	t.Parallel()
	c := fieldsCodec(t, "meta.serial", FieldMap{
		Time: "meta.at", Layout: "unix",
		Values: map[string]string{"temperature": "main.probes.1.t", "celsius": "main.probes.1.t", "mode": "main.mode", "absent": "main.none.deeper", "through": "main.mode2.x"},
	})
	body := `{"ignored":[{"deep":[1,2,{}]}],"main":{"mode":"cool","mode2":5,"probes":[{"t":1},{"t":-20.5,"x":null}]},"meta":{"serial":4711,"at":1700000000.5}}`
	got, err := c.Decode(nil, Payload{Topic: "x", Body: []byte(body), ReceivedAt: receipt})
	if err != nil {
		t.Fatal(err)
	}
	want := []devices.Report{{
		Device: "4711", ObservedAt: time.UnixMilli(1700000000500).UTC(), ReceivedAt: receipt,
		Readings: []devices.Reading{
			{Metric: "mode", Value: devices.Label("cool")},
			{Metric: "celsius", Value: devices.Number(-20.5)},
			{Metric: "temperature", Value: devices.Number(-20.5)},
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reports differ (-want +got):\n%s", diff)
	}
}

// TestVaccineFridgeRecords reads a run in the WHO/PQS E006 record form, from a
// published simulator (MIT licence); see testdata/README.md.
func TestVaccineFridgeRecords(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/stuck_door.json")
	if err != nil {
		t.Fatal(err)
	}
	var run struct {
		Records []json.RawMessage `json:"records"`
	}
	if err := json.Unmarshal(raw, &run); err != nil {
		t.Fatal(err)
	}
	c := fieldsCodec(t, "topic[1]", FieldMap{
		Time: "ABST", Layout: "20060102T150405Z",
		Values: map[string]string{"temperature": "TVC", "door_seconds": "DORV", "alarm": "ALRM", "error": "EERR"},
	})
	start := time.Date(2024, 6, 15, 0, 0, 0, 0, time.UTC)
	for i, record := range run.Records {
		got, err := c.Decode(nil, Payload{Topic: "who/fridge-9/record", Body: record, ReceivedAt: receipt})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || got[0].Device != "fridge-9" || !got[0].ObservedAt.Equal(start.Add(time.Duration(i)*15*time.Minute)) {
			t.Fatalf("record %d: got %+v", i, got)
		}
		values := make(map[string]string)
		for _, r := range got[0].Readings {
			values[r.Metric] = r.Value.String()
		}
		if values["alarm"] != "DOOR" || values["door_seconds"] != "900" || values["temperature"] == "" {
			t.Errorf("record %d: got %v", i, values)
		}
		if _, ok := values["error"]; ok {
			t.Errorf("record %d: a null became a reading: %v", i, values)
		}
	}
	if len(run.Records) != 24 {
		t.Errorf("read %d records, want 24", len(run.Records))
	}
}

func TestWrongFieldsAreNamedExactly(t *testing.T) {
	t.Parallel()
	c := fieldsCodec(t, "id", FieldMap{Time: "at", Layout: "20060102T150405Z", Values: map[string]string{"t": "main.t"}})
	for _, tc := range []struct{ name, body, want string }{
		{"no device", `{"at":"20240615T000000Z"}`, `id: payload does not say which device it is from`},
		{"no time", `{"id":"a"}`, `payload does not say its time`},
		{"a time in another form", `{"id":"a","at":"2024-06-15"}`, `at: must be a time written as 20060102T150405Z (byte 15)`},
		{"a time that is null", `{"id":"a","at":null}`, `at: must be a time written as 20060102T150405Z (byte 15)`},
		{"a device that is a list", `{"id":[]}`, `id: device must be a text or a number, not a list (byte 6)`},
		{"a device that cannot be one", `{"id":"a//b"}`, `id: "a//b" cannot be a device's id: it takes 1 to 128 letters, digits and ._:-, with single slashes between (byte 6)`},
		{"a value that is an object", `{"main":{"t":{}}}`, `main.t: must be a number, true, false or a text, not an object (byte 13)`},
		{"broken JSON in what is skipped", `{"x":[1,}`, `not JSON: invalid character '}' at start of value (byte 8)`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if _, err := c.Decode(nil, Payload{Topic: "x", Body: []byte(tc.body), ReceivedAt: receipt}); err == nil || err.Error() != tc.want {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}
