package codec

import (
	"errors"
	"testing"
	"time"
	"unicode/utf8"

	"telltale/devices"
)

// FuzzSparkplug feeds one node's messages, cut out of the input, to the codec:
// each is a byte that says what it is, a byte of length, and a body.
func FuzzSparkplug(f *testing.F) {
	topics := []string{nbirth, dbirth, ndata, ddata, ndeath, ddeath, ncmd, "spBv1.0/STATE/x"}
	script := func(messages ...[]byte) []byte {
		var all []byte
		for i, body := range messages {
			all = append(append(all, byte(i), byte(len(body))), body...)
		}
		return all
	}
	v := vectors(f)
	f.Add(script(v["NBIRTH_V1"], v["NDATA_V1"], v["NDATA_GAP"], nil, v["NDEATH_V1"]))
	f.Add(script(message1(0, session(1), named("Load", 1, 2)), message1(1, named("A/B", 7, 1)), message1(2, alias(1, 3)), message1(3, alias(7, 4)), message1(0, session(1))))
	f.Fuzz(func(t *testing.T, in []byte) {
		var kept []Birth
		opts := Options{KeepBirth: func(b Birth) { kept = append(kept, b) }, Publish: func(string, []byte) {}}
		c, err := NewSparkplug("spBv1.0/#", opts)
		if err != nil {
			t.Fatal(err)
		}
		now := receipt
		for len(in) >= 2 {
			kind, size := in[0], min(int(in[1]), len(in)-2)
			body := in[2 : 2+size]
			in = in[2+size:]
			now = now.Add(time.Second)
			p := Payload{Topic: topics[kind%8], Body: body, ReceivedAt: now, Old: kind&8 != 0}
			got, err := c.Decode(nil, p)
			var pe *PayloadError
			if err != nil && !errors.As(err, &pe) {
				t.Errorf("%T is no PayloadError: %v", err, err)
			}
			if err == nil {
				checkSparkplug(t, got)
			}
			again, errAgain := c.Decode(nil, p)
			if err == nil && (errAgain != nil || len(again) != len(got)) {
				t.Errorf("redelivered: %d reports, then %d (%v)", len(got), len(again), errAgain)
			}
		}
		opts.Births = kept
		if _, err := NewSparkplug("spBv1.0/#", opts); err != nil {
			t.Errorf("restart: %v", err)
		}
	})
}

func checkSparkplug(t *testing.T, reports []devices.Report) {
	t.Helper()
	for _, r := range reports {
		if r.Device != line && r.Device != oven {
			t.Errorf("report of %q", r.Device)
		}
		for _, reading := range r.Readings {
			if reading.Metric == "" || len(reading.Metric) > MaxName || len(reading.Value.Label) > MaxText ||
				!utf8.ValidString(reading.Metric) || !utf8.ValidString(reading.Value.Label) {
				t.Errorf("reading %q = %v", reading.Metric, reading.Value)
			}
		}
	}
}
