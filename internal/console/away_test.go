package console

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"telltale/devices"
	"telltale/ingest/history"
)

// absent is a history whose store is away, and counts who asks.
type absent struct{ asked chan struct{} }

func (a absent) Range(context.Context, history.Query) ([]history.Bucket, error) {
	a.asked <- struct{}{}
	return nil, errors.Join(history.ErrAway, errors.New("connection refused"))
}

func (a absent) RawPoints(context.Context, devices.ID, string, time.Time, time.Time) ([]history.Point, error) {
	return nil, history.ErrAway
}

func (a absent) Walk(context.Context, devices.ID, time.Time, time.Time, func([]devices.Report) error) error {
	return history.ErrAway
}

func (a absent) Count(context.Context, devices.ID, time.Time, time.Time) (int64, error) {
	return 0, history.ErrAway
}

// withoutHistory is the rig's console with a store of readings that is away.
func (r *rig) withoutHistory() absent {
	r.t.Helper()
	away := absent{make(chan struct{}, 100)}
	deps := r.deps()
	deps.History, deps.Archive = away, away
	registry := prometheus.NewRegistry()
	server, err := New(deps, Options{Gatherer: registry, Registerer: registry})
	r.must(err)
	web := httptest.NewServer(server.Handler())
	r.t.Cleanup(web.Close)
	r.server, r.url = server, web.URL
	return away
}

func TestPagesDoWithoutTheHistoryWhileItIsAway(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	away := r.withoutHistory()
	c := r.as("anna")
	alarm := r.admin(http.StatusOK, "GET", "/api/v1/alarms?device=fridge-04", "").json()["items"].([]any)[0].(map[string]any)["id"].(string)
	for _, page := range []string{"/devices/fridge-04", "/tickets/" + r.ticketOf("fridge-04"), "/alarms/" + alarm} {
		body := r.visit(c, http.StatusOK, page)
		if !strings.Contains(body, "The store of readings does not answer, so nothing is drawn.") || strings.Contains(body, "data-chart") {
			t.Errorf("%s does not say that its chart is missing:\n%s", page, body)
		}
		if n := len(away.asked); n != 1 {
			t.Errorf("%s asked the store %d times, want once: each may take seconds", page, n)
		}
		<-away.asked
	}
	for _, path := range []string{"/charts/device/fridge-04?metric=temperature&range=1h", "/charts/alarm/" + alarm} {
		if body := r.visit(c, http.StatusServiceUnavailable, path); !strings.Contains(body, "The store of readings does not answer.") {
			t.Errorf("%s answers %s", path, body)
		}
	}
}

func TestTheAPISaysThatTheHistoryIsAway(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.withoutHistory()
	const want = "The store of readings does not answer. Alarms and tickets go on without it; /readyz and telltale history status say more."
	if got := r.admin(http.StatusServiceUnavailable, "GET", "/api/v1/devices/fridge-1/readings?metric=temperature", "").json()["detail"]; got != want {
		t.Errorf("readings: %v", got)
	}
	answer := r.admin(http.StatusServiceUnavailable, "POST", "/api/v1/rules/backtest",
		`{"rules": "kind: Rule\nid: w\nwhen: temperature > 8\n", "devices": ["fridge-1"], "from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"}`)
	if got := answer.json()["detail"]; got != want {
		t.Errorf("backtest: %v", got)
	}
}
