package console

import (
	"errors"
	"net/url"
	"slices"
	"testing"
	"time"
)

func FuzzParseCursor(f *testing.F) {
	f.Add("tickets", cursor("tickets", "T-000001"))
	f.Add("alarms", cursor("tickets", "T-000001"))
	f.Add("devices", "AAAA")
	f.Add("", "W10")
	f.Fuzz(func(t *testing.T, kind, text string) {
		key, err := parseCursor(kind, text, 1)
		switch {
		case err != nil && !errors.Is(err, errCursor):
			t.Errorf("unexpected %v", err)
		case err == nil && text != "" && (len(key) != 1 || key[0] == "" || !storable(key[0])):
			t.Errorf("%q gave the key %q", text, key)
		}
	})
}

func FuzzCursorRoundTrip(f *testing.F) {
	f.Add("fridge-1")
	f.Add(`"\<é>`)
	f.Fuzz(func(t *testing.T, id string) {
		if id == "" || !storable(id) {
			return
		}
		key, err := parseCursor("devices", cursor("devices", id), 1)
		if err != nil || !slices.Equal(key, []string{id}) {
			t.Errorf("%q came back as %q, %v", id, key, err)
		}
	})
}

func FuzzCheckAddress(f *testing.F) {
	f.Add("/api/v1/devices?limit=1")
	f.Add("/api/v1/devices/%00?a=%ff&a=b;c")
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		if _, detail := checkAddress(u); detail != "" {
			return
		}
		query, err := url.ParseQuery(u.RawQuery)
		if err != nil || !storable(u.Path) {
			t.Errorf("%q was let through", target)
		}
		for name, values := range query {
			if len(values) != 1 || !storable(name) || !storable(values[0]) {
				t.Errorf("%q let %q=%q through", target, name, values)
			}
		}
	})
}

func FuzzReadingsQuery(f *testing.F) {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	f.Add("1m", int64(0), int64(3600))
	f.Add("", int64(0), int64(1<<40))
	f.Add("1s", int64(-1<<60), int64(1<<60))
	f.Fuzz(func(t *testing.T, step string, from, to int64) {
		in := readingsInput{ID: "d", Metric: "temperature", Step: step, From: time.Unix(from, 0), To: time.Unix(to, 0)}
		q, err := in.query(now)
		if err != nil {
			return
		}
		span := q.To.Sub(q.From)
		if span <= 0 || q.Step < 0 || q.Step == 0 && span > maxRawSpan || q.Step > 0 && span/q.Step > maxBuckets {
			t.Errorf("step %q over %v became %v", step, span, q.Step)
		}
	})
}
