package console

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
)

// Check asks one part of the gateway whether it works.
type Check struct {
	// Name is what /readyz calls the part.
	Name string

	// Ask returns nil when the part works. It is given a few seconds and may
	// be called concurrently.
	Ask func(ctx context.Context) error
}

// askFor bounds one check, so that a hanging part is named, not waited for.
const askFor = 2 * time.Second

func (s *Server) registerHealth(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("GET /readyz", s.ready)
	if s.opts.Gatherer != nil {
		mux.Handle("GET /metrics", promhttp.HandlerFor(s.opts.Gatherer, promhttp.HandlerOpts{}))
	}
}

// readiness is the body of /readyz. A reason is one of a few words; the cause
// goes to the log, because /readyz needs no login.
type readiness struct {
	Status string            `json:"status"` // ready, not ready
	Checks map[string]string `json:"checks"` // name -> ok, down, no answer
	Down   []string          `json:"down,omitempty"`
}

func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	answers := make([]string, len(s.opts.Checks))
	var wg sync.WaitGroup
	for i, c := range s.opts.Checks {
		wg.Go(func() { answers[i] = s.ask(r.Context(), c) })
	}
	wg.Wait()

	out, status := readiness{Status: "ready", Checks: make(map[string]string)}, http.StatusOK
	for i, c := range s.opts.Checks {
		out.Checks[c.Name] = answers[i]
		if answers[i] != "ok" {
			out.Down = append(out.Down, c.Name)
			out.Status, status = "not ready", http.StatusServiceUnavailable
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(out)
}

// ask runs one check. A check that ignores its deadline is left behind: it
// answers into a channel that has room.
func (s *Server) ask(ctx context.Context, c Check) string {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	answer := make(chan error, 1)
	go func() { answer <- c.Ask(ctx) }()
	select {
	case err := <-answer:
		if err == nil {
			return "ok"
		}
		s.log.Warn("part not ready", zap.String("part", c.Name), zap.Error(err))
		return "down"
	case <-ctx.Done():
		s.log.Warn("part does not answer", zap.String("part", c.Name))
		return "no answer"
	}
}
