package console

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
)

func TestReadyzNamesThePartsThatAreDown(t *testing.T) {
	t.Parallel()
	works := func(context.Context) error { return nil }
	r := newRigWith(t, Options{Checks: []Check{
		{Name: "database", Ask: works},
		{Name: "stream", Ask: func(context.Context) error { return errors.New("disk full at /secret/path") }},
		{Name: "broker", Ask: func(ctx context.Context) error { <-ctx.Done(); select {} }}, // ignores its deadline
	}})
	a := r.do("", "GET", "/readyz", "")
	if a.status != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", a.status)
	}
	body := string(a.body)
	if want := `"checks":{"broker":"no answer","database":"ok","stream":"down"},"down":["stream","broker"]`; !strings.Contains(body, want) {
		t.Errorf("body %s does not hold %s", body, want)
	}
	if strings.Contains(body, "secret") {
		t.Errorf("the cause is told to strangers: %s", body)
	}
}

func TestAReadyConsoleSaysSoToStrangers(t *testing.T) {
	t.Parallel()
	r := newRigWith(t, Options{Checks: []Check{{Name: "database", Ask: func(context.Context) error { return nil }}}})
	if a := r.do("", "GET", "/readyz", ""); a.status != 200 || !strings.Contains(string(a.body), `"status":"ready"`) {
		t.Errorf("readyz: status %d: %s", a.status, a.body)
	}
	if a := r.do("", "GET", "/healthz", ""); a.status != 200 {
		t.Errorf("healthz: status %d", a.status)
	}
	r.do("", "GET", "/api/v1/tickets/T-000001", "")
	for _, want := range []string{
		`telltale_http_requests_total{route="GET /healthz",status="200"} 1`,
		`telltale_http_requests_total{route="GET /api/v1/tickets/{id}",status="401"} 1`,
	} {
		a := r.do("", "GET", "/metrics", "")
		if a.status != 200 || !strings.Contains(string(a.body), want) {
			t.Errorf("no %s: status %d: %s", want, a.status, a.body)
		}
	}
}
