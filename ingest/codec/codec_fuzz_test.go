package codec

import (
	"encoding/json"
	"errors"
	"testing"

	"telltale/devices"
)

// FuzzNative checks that no bytes upset the codec, that what it takes is JSON
// within the limits, and that what is no JSON it does not take.
func FuzzNative(f *testing.F) {
	for _, seed := range []string{
		`{"ts":1763780000123,"seq":7,"values":{"temperature":4.2,"door_open":false,"mode":"defrost"},"faults":["E21"]}`,
		`[{"ts":"2026-03-01T12:00:00Z"},{"values":{"a":null,"b":1e999}},{"faults":[]}]`,
		`{"v\u0061lues":{"\ud83d\ude00":"\u0000"}}`, `[`, `{}{}`, "\xff", `{"ts":-9223372036854775808}`, `{"ts":1e400}`,
	} {
		f.Add([]byte(seed))
	}
	c, err := NewNative("topic[1]")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := c.Decode(nil, Payload{Topic: "telltale/d/telemetry", Body: body, ReceivedAt: receipt})
		var pe *PayloadError
		switch {
		case err != nil && !errors.As(err, &pe):
			t.Errorf("%T is no PayloadError: %v", err, err)
		case err != nil && pe.Offset > int64(len(body)):
			t.Errorf("byte %d of %d is complained about: %v", pe.Offset, len(body), err)
		case err == nil && !json.Valid(body):
			t.Error("took what is not JSON")
		case err == nil:
			checkLimits(t, got)
		}
	})
}

func FuzzFields(f *testing.F) {
	f.Add([]byte(`{"ABST":"20240615T000000Z","TVC":4.5,"list":[{"x":1}],"ALRM":null,"id":7}`))
	f.Add([]byte(`[{"id":"a"},{"list":{"0":{"x":true}}}]`))
	c, err := NewFields("id", nil, &FieldMap{Time: "ABST", Layout: "20060102T150405Z", Metrics: paths(map[string]string{"t": "TVC", "x": "list.0.x", "alarm": "ALRM"})})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := c.Decode(nil, Payload{Topic: "who/1", Body: body, ReceivedAt: receipt})
		var pe *PayloadError
		switch {
		case err != nil && !errors.As(err, &pe):
			t.Errorf("%T is no PayloadError: %v", err, err)
		case err == nil && !json.Valid(body):
			t.Error("took what is not JSON")
		case err == nil:
			checkLimits(t, got)
		}
	})
}

func checkLimits(t *testing.T, reports []devices.Report) {
	t.Helper()
	if len(reports) > MaxReports {
		t.Errorf("%d reports", len(reports))
	}
	for _, r := range reports {
		if !devices.ValidID(string(r.Device)) || r.ObservedAt.IsZero() && r.ReceivedAt.IsZero() {
			t.Errorf("report of %q at %v", r.Device, r.ObservedAt)
		}
		if len(r.Readings) > MaxFlattened || len(r.Faults) > MaxFaults {
			t.Errorf("%d readings and %d faults", len(r.Readings), len(r.Faults))
		}
		if r.Units != nil && len(r.Units) != len(r.Readings) {
			t.Errorf("%d readings with %d units", len(r.Readings), len(r.Units))
		}
		for _, reading := range r.Readings {
			if reading.Metric == "" || len(reading.Metric) > MaxName || len(reading.Value.Label) > MaxText {
				t.Errorf("reading %q = %v", reading.Metric, reading.Value)
			}
		}
	}
}
