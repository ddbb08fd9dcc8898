package faults

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// receiver is somebody else's system that is told of alarms and tickets. It
// tells deliveries apart by their webhook-id, as the standard asks.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	events map[happening]map[string]bool // to the ids it was announced by
}

// happening is what an event is about: it must have one id.
type happening struct{ Type, Subject string }

func newReceiver(t testing.TB) *receiver {
	t.Helper()
	r := &receiver{events: make(map[happening]map[string]bool)}
	r.Server = httptest.NewServer(http.HandlerFunc(r.take))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) take(w http.ResponseWriter, q *http.Request) {
	var event struct{ Type, Subject string }
	if err := json.NewDecoder(q.Body).Decode(&event); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	h := happening{event.Type, event.Subject}
	if r.events[h] == nil {
		r.events[h] = make(map[string]bool)
	}
	r.events[h][q.Header.Get("webhook-id")] = true
	w.WriteHeader(http.StatusNoContent)
}

// ids is how many different events told of one happening.
func (r *receiver) ids(h happening) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.events[h])
}
