package ingest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"telltale/devices"
	"telltale/ingest/codec"
)

func TestTrialsTreatMessagesAsThePipelineWould(t *testing.T) {
	t.Parallel()
	low, high := -60.0, 80.0
	directory := devices.NewDirectory(1,
		[]*devices.Model{{ID: "m", Metrics: map[string]devices.Metric{"temperature": {Name: "temperature", Unit: "Cel", From: "t", Min: &low, Max: &high}}}},
		[]*devices.Device{{ID: "d", Model: "m"}})
	extra := map[string]func(codec.Source) (codec.Codec, error){
		"broken": func(codec.Source) (codec.Codec, error) { return panicking{}, nil },
	}
	bench := Bench{
		Sources: []codec.Source{{Name: "b", Filter: "b/+", Codec: "broken"}}, Options: codec.Options{Extra: extra}, Directory: directory,
	}
	for _, c := range []struct {
		name, topic, payload string
		refused              Reason
		detail               string
	}{
		{"a good one", "telltale/d/telemetry", `{"values":{"t":4}}`, "", ""},
		{"an impossible value", "telltale/d/telemetry", `{"values":{"t":99}}`, ImpossibleValue, "device d says t is 99, above the 80 that its model can measure"},
		{"a stranger", "telltale/x/telemetry", `{"values":{"t":4}}`, UnknownDevice, "device x is not declared"},
		{"the year 2099", "telltale/d/telemetry", `{"ts":"2099-01-01T00:00:00Z"}`, ImpossibleTime, "device d says it is 2099-01-01 00:00:00 UTC"},
		{"a large one", "telltale/d/telemetry", strings.Repeat(" ", codec.MaxPayload+1), TooLarge, "payload of 262145 bytes is above the limit of 262144"},
		{"one that breaks its codec", "b/1", "x", Malformed, "codec panicked: boom"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := bench.Try(TrialRequest{Topic: c.topic, Payload: []byte(c.payload), ReceivedAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)})
			if err != nil {
				t.Fatal(err)
			}
			if c.refused == "" {
				if len(got.Refusals) > 0 || got.Reports[0].Readings[0] != (TrialReading{"temperature", devices.Number(4), "Cel"}) {
					t.Errorf("got %+v", got)
				}
				return
			}
			if len(got.Refusals) != 1 || got.Refusals[0].Reason != c.refused || !strings.HasPrefix(got.Refusals[0].Detail, c.detail) {
				t.Errorf("got %+v, want %s: %s", got.Refusals, c.refused, c.detail)
			}
		})
	}
}

func TestWithoutDevicesATrialStillDoubtsTimes(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	bench := Bench{
		Sources: []codec.Source{
			{Name: "trusted", Filter: "a/+", Codec: "native"}, {Name: "dated", Filter: "b/+", Codec: "native"},
			{Name: "lora", Filter: "application/+/device/+/event/+", Codec: "chirpstack"},
		},
		Clocks: map[string]Clock{"dated": {Policy: ReceiptClock}},
	}
	for _, c := range []struct {
		source, payload string
		refused         Reason
		at              time.Time
	}{
		{"trusted", `{"ts":10,"values":{"t":4}}`, ImpossibleTime, time.Unix(10, 0)},
		{"dated", `{"ts":10,"values":{"t":4}}`, "", now},
		{"lora", `{"time":"2026-03-01T11:00:00Z","deviceInfo":{"devEui":"A1"},"object":{"t":4}}`, "", now.Add(-time.Hour)},
	} {
		got, err := bench.Try(TrialRequest{Source: c.source, Payload: []byte(c.payload), ReceivedAt: now})
		if err != nil || len(got.Reports) != 1 || got.Reports[0].Refused != c.refused || !got.Reports[0].ObservedAt.Equal(c.at) || len(got.Refusals) > 0 != (c.refused != "") {
			t.Errorf("%s: got %+v, %v", c.source, got, err)
		}
	}
}

// panicking is a codec with a fault of its own.
type panicking struct{}

func (panicking) Decode([]devices.Report, codec.Payload) ([]devices.Report, error) { panic("boom") }

func TestTrialsRememberNothing(t *testing.T) {
	t.Parallel()
	bench := Bench{Sources: []codec.Source{{Filter: "spBv1.0/#", Codec: "sparkplug"}}}
	for range 2 {
		got, err := bench.Try(TrialRequest{Topic: "spBv1.0/g/NDATA/n", Payload: []byte{0x18, 0x01}, ReceivedAt: time.Now()})
		if err != nil || len(got.Refusals) != 1 || got.Refusals[0].Reason != Unborn {
			t.Errorf("got %+v, %v", got, err)
		}
	}
}

func TestWrongTrialsAreNamed(t *testing.T) {
	t.Parallel()
	port := 300
	for _, c := range []struct {
		name string
		q    TrialRequest
		want string
	}{
		{"an unknown source", TrialRequest{Source: "x"}, `ingest: no such source: "x"; there are telltale/+/telemetry, telltale/+/status`},
		{"a topic of no source", TrialRequest{Topic: "x"}, `ingest: no such source: none claims topic "x"; there are telltale/+/telemetry, telltale/+/status`},
		{"a frame without a script", TrialRequest{FPort: &port}, "a bare frame needs a script to decode it"},
		{"a port beyond a byte", TrialRequest{FPort: &port, Script: "x"}, "port 300 is not from 0 to 255"},
	} {
		_, err := Bench{}.Try(c.q)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
	if _, err := (Bench{}).Try(TrialRequest{}); !errors.Is(err, ErrNoSource) {
		t.Errorf("got %v", err)
	}
}
