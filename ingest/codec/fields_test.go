package codec

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
)

func fieldsCodec(t testing.TB, device string, m FieldMap) *Fields {
	t.Helper()
	c, err := NewFields(device, nil, &m)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFieldsFollowPaths(t *testing.T) {
	t.Parallel()
	c := fieldsCodec(t, "meta.serial", FieldMap{
		Time: "meta.at", Layout: "unix",
		Metrics: paths(map[string]string{"temperature": "main.probes.1.t", "celsius": "main.probes.1.t", "mode": "main.mode", "absent": "main.none.deeper", "through": "main.mode2.x"}),
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
		Metrics: paths(map[string]string{"temperature": "TVC", "door_seconds": "DORV", "alarm": "ALRM", "error": "EERR"}),
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

func TestWhatFieldsMean(t *testing.T) {
	t.Parallel()
	c := fieldsCodec(t, "topic[1]", FieldMap{
		Faults: "alarm.codes",
		Metrics: map[string]Field{
			"cooler":  {Path: "/components/cooler/custom.thermostat/value", UnitPath: "/components/cooler/custom.thermostat/unit"},
			"slashed": {Path: "/a~1b/c~0d"},
			"freezer": {Path: "freezer", Unit: "degF"},
			"door":    {Path: "door", Labels: map[string]float64{"open": 1, "closed": 0}},
			"cycles":  {Path: "cycles", Numeric: true},
			"raw":     {Path: "cycles"},
		},
	})
	checkMessages(t, c, []sent{
		{"a unit that is said, before the value", "x/f", `{"components":{"cooler":{"custom.thermostat":{"unit":"F","value":37}}}}`, `f: cooler=37F`},
		{"a unit that is said, behind the value", "x/f", `{"components":{"cooler":{"custom.thermostat":{"value":37,"unit":"C"}}}}`, `f: cooler=37C`},
		{"a unit that is not said", "x/f", `{"components":{"cooler":{"custom.thermostat":{"value":37,"unit":null}}}}`, `f: cooler=37`},
		{"a unit that the source says", "x/f", `{"freezer":0}`, `f: freezer=0degF`},
		{"keys with slashes and tildes", "x/f", `{"a/b":{"c~d":1}}`, `f: slashed=1`},
		{"texts that stand for numbers, and one that does not", "x/f", `[{"door":"open"},{"door":"closed"},{"door":"ajar"},{"door":true}]`, "f: door=1\nf: door=0\nf: door=ajar!\nf: door=1"},
		{"a text that is a number, read in two ways", "x/f", `{"cycles":"2"}`, `f: cycles=2 raw=2!`},
		{"a text that is no number", "x/f", `{"cycles":"two"}`, `f: cycles=two! raw=two!`},
		{"codes of faults", "x/f", `[{"alarm":{"codes":["E1","E2"]}},{"alarm":{"codes":"E1"}},{"alarm":{"codes":[]}},{"alarm":{"codes":null}},{}]`,
			"f: faults [\"E1\" \"E2\"]\nf: faults [\"E1\"]\nf: faults []\nf: faults []\nf:"},
		{"one report knows nothing of the units of another", "x/f", `[{"components":{"cooler":{"custom.thermostat":{"value":1,"unit":"F"}}}},{"components":{"cooler":{"custom.thermostat":{"value":2}}}}]`,
			"f: cooler=1F\nf: cooler=2"},

		{"a unit that is a number", "x/f", `{"components":{"cooler":{"custom.thermostat":{"unit":1}}}}`, `wrong: components.cooler.custom.thermostat.unit: must be a text, not a number (byte 53)`},
		{"codes that are numbers", "x/f", `{"alarm":{"codes":[1]}}`, `wrong: alarm.codes[0]: must be a fault code in quotes, not a number (byte 19)`},
		{"a code that is a number", "x/f", `{"alarm":{"codes":1}}`, `wrong: alarm.codes: must be a text, not a number (byte 18)`},
	})
}

func TestFieldsOfRecordsInAnEnvelope(t *testing.T) {
	t.Parallel()
	c := fieldsCodec(t, "meta.serial", FieldMap{Records: "data.records", Time: "at", Metrics: map[string]Field{"t": {Path: "t"}}})
	checkMessages(t, c, []sent{
		{"the device behind the records", "x", `{"data":{"records":[{"at":1772186400,"t":1},{"at":"2026-02-27T10:01:00Z","t":2}]},"meta":{"serial":4711}}`,
			"4711 at 2026-02-27T10:00:00Z: t=1\n4711 at 2026-02-27T10:01:00Z: t=2"},
		{"no records", "x", `{"meta":{"serial":4711}}`, ``},
		{"no device", "x", `{"data":{"records":[{"at":1772186400,"t":1}]}}`, `wrong: meta.serial: payload does not say which device it is from`},
		{"a record without its time", "x", `{"meta":{"serial":4711},"data":{"records":[{"t":1}]}}`, `wrong: payload does not say its time`},
		{"records that are an object", "x", `{"data":{"records":{}}}`, `wrong: data.records: must be a list of records, not an object (byte 19)`},
		{"a record that is a number", "x", `{"data":{"records":[1]}}`, `wrong: data.records[0]: must be an object, not a number (byte 20)`},
		{"a list", "x", `[]`, `wrong: must be an object, not a list (byte 0)`},
	})
}

func TestTimesOfFields(t *testing.T) {
	t.Parallel()
	warsaw, err := time.LoadLocation("Europe/Warsaw")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ layout, at, want string }{
		{"", `1772186400`, "2026-02-27T10:00:00Z"},
		{"auto", `1772186400123`, "2026-02-27T10:00:00.123Z"},
		{"auto", `"1772186400123"`, "2026-02-27T10:00:00.123Z"},
		{"auto", `"2026-02-27T11:00:00+01:00"`, "2026-02-27T10:00:00Z"},
		{"auto", `"today"`, "at: must be a time written as a Unix time or as RFC 3339, such as 2026-03-01T12:00:00Z (byte 6)"},
		{"unix", `1772186400.5`, "2026-02-27T10:00:00.5Z"},
		{"unix", `"1772186400"`, "2026-02-27T10:00:00Z"},
		{"unix_ms", `1772186400`, "1970-01-21T12:16:26.4Z"},
		{"unix_us", `1772186400123456`, "2026-02-27T10:00:00.123456Z"},
		{"unix_ns", `1772186400123456789`, "2026-02-27T10:00:00.123456789Z"},
		{"rfc3339", `1772186400`, "at: must be a time written as rfc3339 (byte 6)"},
		{"2006-01-02 15:04", `"2026-02-27 11:00"`, "2026-02-27T10:00:00Z"},
		{"2006-01-02 15:04 MST", `"2026-02-27 11:00 UTC"`, "2026-02-27T11:00:00Z"},
	} {
		t.Run(tc.layout+" "+tc.at, func(t *testing.T) {
			t.Parallel()
			c, err := NewFields("topic[0]", warsaw, &FieldMap{Time: "at", Layout: tc.layout, Metrics: map[string]Field{"t": {Path: "t"}}})
			if err != nil {
				t.Fatal(err)
			}
			reports, err := c.Decode(nil, Payload{Topic: "f", Body: []byte(`{"at":` + tc.at + `}`), ReceivedAt: receipt})
			got := fmt.Sprint(err)
			if err == nil {
				got = reports[0].ObservedAt.Format(time.RFC3339Nano)
			}
			if got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestWrongFieldsAreNamedExactly(t *testing.T) {
	t.Parallel()
	c := fieldsCodec(t, "id", FieldMap{Time: "at", Layout: "20060102T150405Z", Metrics: paths(map[string]string{"t": "main.t"})})
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
