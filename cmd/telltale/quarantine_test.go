package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestRefusedMessagesAreSelectedAndTried looks at what the commands ask of a
// gateway, and at what they print of its answers.
func TestRefusedMessagesAreSelectedAndTried(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		_ = json.NewDecoder(r.Body).Decode(&body)
		text, _ := json.Marshal(body)
		asked <- r.Method + " " + r.URL.RequestURI() + " " + string(text)
		if r.Method == http.MethodGet {
			_, _ = w.Write([]byte(`{"items":[{"id":"1","reason":"malformed","count":2,"topic":"t"},{"id":"2","reason":"malformed","count":1,"topic":"t","replayed_at":"2026-03-01T12:00:00Z"}]}`))
			return
		}
		_, _ = w.Write([]byte(`{"selected":1000,"replayed":990,"refused":10,"more":true}`))
	}))
	defer server.Close()
	for _, c := range []struct {
		args []string
		asks string
		says []string
	}{
		{[]string{"list", "--waiting", "--until", "2026-03-01T12:00:00Z"},
			"GET /api/v1/quarantine?limit=50&until=2026-03-01T12%3A00%3A00Z&waiting=true null",
			[]string{"1   malformed  waiting   2 ", "2   malformed  accepted  1 "}},
		{[]string{"replay", "--reason", "malformed", "--dry-run"},
			`POST /api/v1/quarantine/replay {"dry_run":true,"reason":"malformed"}`,
			[]string{"990 messages would be accepted, 10 refused\nthese are the first 1000; there are more\n"}},
	} {
		code, out, errs := command(t, append(append([]string{"quarantine"}, c.args...), "--server", server.URL, "--token", "t")...)
		if got := <-asked; got != c.asks {
			t.Errorf("%v asked %s, want %s", c.args, got, c.asks)
		}
		for _, want := range c.says {
			if code != exitDone || !strings.Contains(out, want) {
				t.Errorf("%v: exit %d, %q, got\n%swant %q", c.args, code, errs, out, want)
			}
		}
	}
}
