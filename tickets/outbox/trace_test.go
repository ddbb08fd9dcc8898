package outbox

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"
)

func TestAnEventCarriesTheTraceOfItsCause(t *testing.T) {
	t.Parallel()
	type seen struct {
		TraceParent, Trace string
		header             string
	}
	requests := make(chan seen, 3)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got := seen{header: r.Header.Get("traceparent")}
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &got); err != nil {
			t.Error(err)
		}
		requests <- got
	}))
	defer server.Close()
	hook := newHook(t, server.URL)
	send := func(id, trace string) seen {
		event := Event{ID: id, Type: "ticket.opened", Subject: "T-1", At: noon, Trace: trace, Data: json.RawMessage(`{}`)}
		if err := hook.Send(t.Context(), event); err != nil {
			t.Fatal(err)
		}
		return <-requests
	}
	first, again, second := send("evt_1", "p3/10293/17"), send("evt_1", "p3/10293/17"), send("evt_2", "p3/10293/17")
	w3c := regexp.MustCompile(`^00-([0-9a-f]{32})-([0-9a-f]{16})-01$`) // Trace Context, section 3.2
	a, b := w3c.FindStringSubmatch(first.TraceParent), w3c.FindStringSubmatch(second.TraceParent)
	switch {
	case a == nil || b == nil:
		t.Fatalf("traceparent %q, %q", first.TraceParent, second.TraceParent)
	case first.header != first.TraceParent || first.Trace != "p3/10293/17":
		t.Errorf("got %+v", first)
	case first != again:
		t.Errorf("the same event has two traces: %+v, %+v", first, again)
	case a[1] != b[1] || a[1] != TraceID("p3/10293/17") || a[2] == b[2]:
		t.Errorf("two events of one cause: %s, %s", first.TraceParent, second.TraceParent)
	}
	if got := send("evt_3", ""); got != (seen{}) {
		t.Errorf("a person's act has a trace: %+v", got)
	}
}
