package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
)

// say writes reports down, one a line: device, time unless it is the receipt's,
// readings with their units, faults, presence.
func say(reports []devices.Report) string {
	var b strings.Builder
	for _, r := range reports {
		b.WriteString(string(r.Device))
		if !r.ObservedAt.Equal(receipt) {
			b.WriteString(" at " + r.ObservedAt.Format("2006-01-02T15:04:05.999Z07:00"))
		}
		b.WriteString(":")
		for i, reading := range r.Readings {
			fmt.Fprintf(&b, " %s=%s", reading.Metric, reading.Value)
			if reading.Value.IsLabel() {
				b.WriteString("!")
			}
			if r.Units != nil {
				b.WriteString(r.Units[i])
			}
		}
		if r.Faults != nil {
			fmt.Fprintf(&b, " faults %q", r.Faults)
		}
		if r.Presence != devices.PresenceUnknown {
			b.WriteString(" " + r.Presence.String())
		}
		b.WriteString("\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// sent is a message and what it says, or the complaint about it.
type sent struct{ name, topic, body, want string }

// checkMessages decodes each message and compares what it says, or the
// complaint.
func checkMessages(t *testing.T, c Codec, messages []sent) {
	t.Helper()
	for _, m := range messages {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			reports, err := c.Decode(nil, Payload{Topic: m.topic, Body: []byte(m.body), ReceivedAt: receipt})
			got := say(reports)
			var pe *PayloadError
			if err != nil {
				got = "wrong: " + err.Error()
			}
			if err != nil && !errors.As(err, &pe) {
				t.Errorf("%T is no PayloadError", err)
			}
			if diff := cmp.Diff(m.want, got); diff != "" {
				t.Errorf("differs (-want +got):\n%s", diff)
			}
		})
	}
}

// fuzzCodec checks that no bytes upset a codec, that what it takes is within
// the limits, and that complaints are within the payload.
func fuzzCodec(f *testing.F, c Codec) {
	f.Fuzz(func(t *testing.T, topic string, body []byte) {
		before := bytes.Clone(body)
		got, err := c.Decode(nil, Payload{Topic: topic, Body: body, ReceivedAt: receipt})
		var pe *PayloadError
		switch {
		case err != nil && !errors.As(err, &pe):
			t.Errorf("%T is no PayloadError: %v", err, err)
		case err != nil && pe.Offset > int64(len(body)):
			t.Errorf("byte %d of %d is complained about: %v", pe.Offset, len(body), err)
		case err == nil:
			checkLimits(t, got)
		}
		if !bytes.Equal(before, body) {
			t.Error("the payload was changed")
		}
	})
}

// dump reads the part of a recorded device's answers under the keys.
func dump(t testing.TB, path string, keys ...string) json.RawMessage {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(raw, &object); err != nil {
			t.Fatal(err)
		}
		raw = object[key]
	}
	return raw
}

// shared lists recorded files that come with the project, and fails when there
// are none.
func shared(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../../../shared/data", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files at %s: %v", pattern, err)
	}
	return files
}

// paths are fields of nothing but a path.
func paths(m map[string]string) map[string]Field {
	fields := make(map[string]Field)
	for metric, path := range m {
		fields[metric] = Field{Path: path}
	}
	return fields
}
