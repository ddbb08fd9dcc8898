package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// jobServer answers as a gateway does that has one backtest.
type jobServer struct {
	mu        sync.Mutex
	asked     map[string]any
	looks     int
	cancelled chan struct{}
	look      func(n int) (status int, body string)
}

func (s *jobServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	status, body := http.StatusNotFound, `{"detail": "There is no such thing."}`
	switch r.Method + " " + r.URL.Path {
	case "POST /api/v1/backtests":
		_ = json.NewDecoder(r.Body).Decode(&s.asked)
		status, body = http.StatusAccepted, `{"id": "bt-1", "state": "queued"}`
	case "GET /api/v1/backtests/bt-1":
		s.looks++
		status, body = s.look(s.looks)
	case "DELETE /api/v1/backtests/bt-1":
		status, body = http.StatusOK, `{"id": "bt-1", "state": "cancelled"}`
		close(s.cancelled)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprint(w, body)
}

// runRemoteBacktest runs the command against s, of one day.
func runRemoteBacktest(ctx context.Context, t *testing.T, s *jobServer, args ...string) (code int, out, errs string) {
	t.Helper()
	return runRemoteBacktestOf(ctx, t, s, append([]string{"--from", "2026-03-01T00:00:00Z", "--to", "2026-03-02T00:00:00Z"}, args...)...)
}

// runRemoteBacktestOf runs the command against s, of the stretch that args say.
func runRemoteBacktestOf(ctx context.Context, t *testing.T, s *jobServer, args ...string) (code int, out, errs string) {
	t.Helper()
	s.cancelled = make(chan struct{})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	var stdout, stderr bytes.Buffer
	io := &console{out: &stdout, err: &stderr, env: func(string) (string, bool) { return "", false }}
	args = append([]string{"rules", "backtest", "--rules", filepath.Join(backtestFiles(t), "rule.yaml"), "--server", server.URL, "--token", "t"}, args...)
	code = run(ctx, args, io)
	return code, stdout.String(), stderr.String()
}

const jobResult = `{"id": "bt-1", "state": "done", "progress": {"readings": 60, "estimated": 60, "share": 1}, "result": {
	"alarms": [{"rule_id": "warm", "device": "fridge-1", "severity": "major", "raised_at": "2026-03-01T08:25:00Z", "cleared_at": null}],
	"readings": 60, "devices": 1, "from": null, "to": null, "figures": {"alarms": 1, "tickets": 1, "devices": 1, "minutes": 15}}}`

func TestABacktestByTheAPIIsAJobThatIsAwaited(t *testing.T) {
	t.Parallel()
	s := &jobServer{look: func(n int) (int, string) {
		if n < 3 {
			return 200, `{"id": "bt-1", "state": "running", "progress": {"readings": 20, "estimated": 60, "share": 0.3}}`
		}
		return 200, jobResult
	}}
	code, out, errs := runRemoteBacktest(t.Context(), t, s, "--against", "live", "--sweep", "temperature > 7..9")
	if code != exitDone || !strings.Contains(out, "1 alarm from 60 readings of 1 device") || errs != "" {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	if _, named := s.asked["devices"]; named || s.asked["against"] != "live" || s.asked["sweep"] != "temperature > 7..9" || s.asked["from"] != "2026-03-01T00:00:00Z" {
		t.Errorf("asked %v", s.asked)
	}
}

func TestABacktestWithoutAStretchSaysWhichItTook(t *testing.T) {
	t.Parallel()
	s := &jobServer{look: func(int) (int, string) { return 200, jobResult }}
	code, out, errs := runRemoteBacktestOf(t.Context(), t, s, "--to", "2026-03-02T00:00:00Z")
	if code != exitDone || !strings.Contains(out, "Played from 2026-03-01T00:00:00Z to 2026-03-02T00:00:00Z;") || errs != "" {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	if s.asked["from"] != "2026-03-01T00:00:00Z" || s.asked["to"] != "2026-03-02T00:00:00Z" {
		t.Errorf("asked %v", s.asked)
	}
}

func TestABacktestThatIsInterruptedIsCancelled(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	s := &jobServer{look: func(int) (int, string) {
		interrupt()
		return 200, `{"id": "bt-1", "state": "running"}`
	}}
	code, _, errs := runRemoteBacktest(ctx, t, s)
	if code != exitFailed || !strings.Contains(errs, "cancelled") {
		t.Errorf("exit %d: %s", code, errs)
	}
	select {
	case <-s.cancelled:
	case <-time.After(time.Minute):
		t.Error("the gateway goes on with it")
	}
}

func TestABacktestThatFailsThereFailsHere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status     int
		body, want string
	}{
		"it failed":               {200, `{"id": "bt-1", "state": "failed", "error": "It took longer than 1 h."}`, "It took longer"},
		"somebody cancelled it":   {200, `{"id": "bt-1", "state": "cancelled"}`, "was cancelled"},
		"it is not known anymore": {404, `{"detail": "There is no such backtest here."}`, "no such backtest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, _, errs := runRemoteBacktest(t.Context(), t, &jobServer{look: func(int) (int, string) { return c.status, c.body }})
			if code != exitFailed || !strings.Contains(errs, c.want) {
				t.Errorf("exit %d: %s", code, errs)
			}
		})
	}
}
