package console

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"telltale/internal/access"
	"telltale/internal/postgres"
	"telltale/tickets/outbox"
)

// stream is an open event stream.
type stream struct {
	t      testing.TB
	resp   *http.Response
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

// listen opens the event stream as a viewer.
func (r *rig) listen(lastEventID string) *stream {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", r.url+"/api/v1/events", nil)
	r.must(err)
	req.Header.Set("Authorization", "Bearer "+r.tokens[access.Viewer])
	if lastEventID != "" {
		req.Header.Set("Last-Event-ID", lastEventID)
	}
	resp, err := http.DefaultClient.Do(req)
	r.must(err)
	s := &stream{r.t, resp, bufio.NewScanner(resp.Body), cancel}
	r.t.Cleanup(s.close)
	if resp.StatusCode != 200 {
		r.t.Fatalf("status %d", resp.StatusCode)
	}
	return s
}

func (s *stream) close() { s.cancel(); _ = s.resp.Body.Close() }

// event is one event as it arrived.
type event struct{ id, kind, data string }

// name returns what the test called the event.
func (e event) name(t testing.TB) string {
	t.Helper()
	var data struct{ Name string }
	if err := json.Unmarshal([]byte(e.data), &data); err != nil {
		t.Fatalf("data %q: %v", e.data, err)
	}
	return data.Name
}

// follow reads n events after the one with the id as a browser does: when the
// server ends the stream, because we were too slow, it comes back with the
// last id it saw.
func (r *rig) follow(lastID string, n int) []string {
	r.t.Helper()
	var names []string
	for len(names) < n {
		s := r.listen(lastID)
		for len(names) < n {
			e, ok := s.next()
			if !ok {
				break
			}
			lastID = e.id
			names = append(names, e.name(r.t))
		}
		s.close()
	}
	return names
}

// next returns the next event, and false when the server ended the stream.
func (s *stream) next() (event, bool) {
	var e event
	for s.lines.Scan() {
		name, value, _ := strings.Cut(s.lines.Text(), ": ")
		switch name {
		case "id":
			e.id = value
		case "event":
			e.kind = value
		case "data":
			e.data = value
		case "":
			if e.id != "" {
				return e, true
			}
		}
	}
	return event{}, false
}

// take returns the names of the next n events.
func (s *stream) take(n int) []string {
	s.t.Helper()
	var names []string
	for range n {
		e, ok := s.next()
		if !ok {
			s.t.Fatalf("the stream ended after %v", names)
		}
		names = append(names, e.name(s.t))
	}
	return names
}

// happen stores events with the names in a transaction each.
func (r *rig) happen(names ...string) {
	r.t.Helper()
	for _, name := range names {
		r.must(r.happens(name))
	}
}

func (r *rig) happens(name string) error {
	return r.db.InTx(r.t.Context(), func(tx *postgres.DB) error { return tx.AppendEvents(r.t.Context(), happening(name)) })
}

func happening(name string) []outbox.Event {
	data, _ := json.Marshal(map[string]string{"name": name, "text": "two\nlines"})
	return []outbox.Event{{
		ID: "evt-" + name, Type: "ticket.updated", Subject: "T-000001", OrderingKey: "T-000001",
		At: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), Data: data,
	}}
}

func numbered(from, to int) []string {
	var names []string
	for i := from; i <= to; i++ {
		names = append(names, fmt.Sprintf("e%04d", i))
	}
	return names
}

func TestEventsArriveInOrderAsTheyHappen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.listen("")
	if ct := s.resp.Header.Get("Content-Type"); ct != "text/event-stream" {
		t.Errorf("content type %q", ct)
	}
	if s.resp.Header.Get("X-Accel-Buffering") != "no" {
		t.Error("a proxy may hold events back")
	}
	names := numbered(1, 20)
	r.happen(names...)
	if got := s.take(20); fmt.Sprint(got) != fmt.Sprint(names) {
		t.Errorf("got %v", got)
	}
}

func TestAClientThatComesBackMissesNothingAndSeesNothingTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.listen("")
	r.happen(numbered(1, 5)...)
	first.take(3)
	last, _ := first.next()
	first.close()
	r.happen(numbered(6, 700)...) // more than a page of the table

	var meanwhile sync.WaitGroup
	defer meanwhile.Wait() // an event is seen before its transaction has returned, and the test's context ends with the test
	meanwhile.Go(func() {
		for _, name := range numbered(701, 710) {
			if err := r.happens(name); err != nil {
				t.Error(err)
			}
		}
	})
	if got, want := r.follow(last.id, 706), numbered(5, 710); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("after %s came %v ... %v, %d in all", last.id, got[0], got[len(got)-1], len(got))
	}
}

// appendNow writes an event and asks for events, so that it has been written.
func appendNow(ctx context.Context, tx *postgres.DB, name string) error {
	if err := tx.AppendEvents(ctx, happening(name)); err != nil {
		return err
	}
	_, _, err := tx.EventsAfter(ctx, 0, 1)
	return err
}

func TestATransactionThatCommitsLateIsNotSkipped(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.listen("")
	inserted, commit := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { // takes its position first and commits last
		err := r.db.InTx(t.Context(), func(tx *postgres.DB) error {
			if err := appendNow(t.Context(), tx, "slow"); err != nil {
				return err
			}
			close(inserted)
			<-commit
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-inserted
	r.happen("fast")
	close(commit)
	wg.Wait()
	if got := s.take(2); got[0] != "slow" || got[1] != "fast" {
		t.Errorf("got %v, want slow before fast", got)
	}
}

func TestAPositionThatWasRolledBackHoldsNothingUp(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.listen("")
	gaveUp := fmt.Errorf("gave up")
	err := r.db.InTx(t.Context(), func(tx *postgres.DB) error {
		if err := appendNow(t.Context(), tx, "never"); err != nil {
			return err
		}
		return gaveUp
	})
	if err != gaveUp { //nolint:errorlint // returned as it is
		t.Fatal(err)
	}
	r.happen("after")
	if got := s.take(1); got[0] != "after" {
		t.Errorf("got %v", got)
	}
}

func TestStreamsEndWhenTheServerStops(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.listen("")
	r.stop()
	if e, ok := s.next(); ok {
		t.Errorf("got %v, want the end", e)
	}
	r.do(access.Viewer, "GET", "/api/v1/events", "").problem(http.StatusServiceUnavailable)
}

func TestAQuietStreamIsKeptOpen(t *testing.T) {
	t.Parallel()
	r := newRigWith(t, Options{Heartbeat: 20 * time.Millisecond})
	s := r.listen("")
	for beats := 0; beats < 3 && s.lines.Scan(); {
		if strings.HasPrefix(s.lines.Text(), ":") {
			beats++
		}
	}
	if err := s.lines.Err(); err != nil {
		t.Error(err)
	}
}

func TestEventsNeedAReaderAndAProperID(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.do("", "GET", "/api/v1/events", "").problem(http.StatusUnauthorized)
	for _, id := range []string{"abc", "-1", "1.5", "99999999999999999999"} {
		r.do(access.Viewer, "GET", "/api/v1/events", "", "Last-Event-ID", id).problem(http.StatusBadRequest)
	}
	r.do(access.Viewer, "GET", "/api/v1/events?colour=red", "").problem(http.StatusBadRequest)
	if a := r.do(access.Viewer, "HEAD", "/api/v1/events", ""); a.status != 200 {
		t.Errorf("HEAD: status %d", a.status)
	}
}
