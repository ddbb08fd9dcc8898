package codec

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"telltale/devices"
)

// echo is a script that gives back the bytes of the frame, whatever they are:
// so the fuzzer reaches what scripts return as well.
var echo = scriptFunc(func(f Frame) ([]byte, error) { return f.Bytes, nil })

func FuzzChirpStack(f *testing.F) {
	addNetworkMessages(f, "ChirpStack")
	f.Add([]byte(`{"time":"2026-03-01T12:00:00Z","deviceInfo":{"devEui":"01"},"margin":7,"batteryLevel":3,"batteryLevelUnavailable":true}`), byte(1))
	f.Add([]byte(`{"deviceInfo":{"devEui":"01"},"data":"eyJ0IjpbMSx7ImEiOjJ9XX0="}`), byte(0))
	f.Add([]byte(`{"deviceInfo":{"devEui":"01"},"object":{"a":[{"b":null}],"":1,"rssi":2}}`), byte(5))
	c, err := NewChirpStack("", echo)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte, event byte) {
		topic := "x/" + chirpStackEvents[int(event)%len(chirpStackEvents)]
		checkDecoded(t, c, topic, body)
	})
}

func FuzzTTN(f *testing.F) {
	addNetworkMessages(f, "ThingsStackCommunity")
	f.Add([]byte(`{"end_device_ids":{"device_id":"d"},"join_accept":{}}`), byte(0))
	f.Add([]byte(`{"end_device_ids":{"device_id":"d"},"uplink_message":{"frm_payload":"eyJ0IjpbMSx7ImEiOjJ9XX0="}}`), byte(0))
	f.Add([]byte(`{"end_device_ids":{"device_id":"d"},"uplink_message":{"normalized_payload":[{"time":"2026-03-01T12:00:00Z","a":1},{"time":"x"}]}}`), byte(0))
	c, err := NewTTN("", echo)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte, _ byte) { checkDecoded(t, c, ttnUp, body) })
}

func addNetworkMessages(f *testing.F, network string) {
	f.Helper()
	for i, m := range networkMessages(f) {
		if m.Network == network && i%5 == 0 {
			f.Add([]byte(m.Payload), byte(0))
		}
	}
}

// checkDecoded decodes and checks that complaints lie within the payload and
// that what is taken is JSON within the limits.
func checkDecoded(t *testing.T, c Codec, topic string, body []byte) {
	t.Helper()
	got, err := c.Decode(nil, Payload{Topic: topic, Body: body, ReceivedAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)})
	var pe *PayloadError
	switch {
	case err != nil && !errors.As(err, &pe):
		t.Errorf("%T is no PayloadError: %v", err, err)
	case err != nil && pe.Offset > int64(len(body)):
		t.Errorf("byte %d of %d is complained about: %v", pe.Offset, len(body), err)
	case err == nil && len(got) > 0 && !json.Valid(body):
		t.Error("took what is not JSON")
	case err == nil:
		for _, r := range got {
			checkFlattened(t, r)
		}
	}
}

func checkFlattened(t *testing.T, r devices.Report) {
	t.Helper()
	if !devices.ValidID(string(r.Device)) || r.ObservedAt.IsZero() || len(r.Readings) > MaxFlattened+2 {
		t.Errorf("report of %q at %v with %d readings", r.Device, r.ObservedAt, len(r.Readings))
	}
	for _, one := range r.Readings {
		if one.Metric == "" || len(one.Metric) > MaxName || len(one.Value.Label) > MaxText {
			t.Errorf("reading %q = %v", one.Metric, one.Value)
		}
	}
}
