package console

import (
	"net/http"
	"sync"
	"testing"

	"telltale/internal/access"
)

const complaintBody = `{"customer_id": "C-1", "text": "warm"}`

func TestARepeatedPostHappensOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.admin(201, "POST", "/api/v1/complaints", complaintBody, "Idempotency-Key", "k1")
	again := r.admin(201, "POST", "/api/v1/complaints", complaintBody, "Idempotency-Key", "k1")
	if string(first.body) != string(again.body) {
		t.Errorf("answers differ:\n%s\n%s", first.body, again.body)
	}
	if again.header.Get("Idempotency-Replayed") != "true" || again.header.Get("Content-Type") != first.header.Get("Content-Type") {
		t.Errorf("headers %v", again.header)
	}
	if n := len(r.admin(200, "GET", "/api/v1/tickets", "").ids()); n != 1 {
		t.Errorf("%d tickets, want 1", n)
	}
}

func TestAKeyBelongsToOneRequestOfOnePrincipal(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.admin(201, "POST", "/api/v1/complaints", complaintBody, "Idempotency-Key", "k1")
	r.do(access.Admin, "POST", "/api/v1/complaints", `{"customer_id": "C-1", "text": "cold"}`, "Idempotency-Key", "k1").
		problem(http.StatusUnprocessableEntity)
	r.do(access.Admin, "POST", "/api/v1/quarantine/replay", complaintBody, "Idempotency-Key", "k1").
		problem(http.StatusUnprocessableEntity)
	if a := r.do(access.Support, "POST", "/api/v1/complaints", complaintBody, "Idempotency-Key", "k1"); a.status != 201 {
		t.Errorf("another's key: status %d", a.status)
	}
	if n := len(r.admin(200, "GET", "/api/v1/tickets", "").ids()); n != 2 {
		t.Errorf("%d tickets, want 2", n)
	}
}

func TestARefusedRequestGivesItsKeyBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.do(access.Admin, "POST", "/api/v1/complaints", `{"customer_id": "C-9", "text": "warm"}`, "Idempotency-Key", "k1").
		problem(http.StatusUnprocessableEntity)
	r.admin(201, "POST", "/api/v1/complaints", complaintBody, "Idempotency-Key", "k1")
}

func TestConcurrentRepeatsHappenOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var mu sync.Mutex
	statuses := map[int]int{}
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			a := r.do(access.Admin, "POST", "/api/v1/complaints", complaintBody, "Idempotency-Key", "k1")
			mu.Lock()
			defer mu.Unlock()
			statuses[a.status]++
		})
	}
	wg.Wait()
	if statuses[201] == 0 || statuses[201]+statuses[409] != 12 {
		t.Errorf("statuses %v, want 201 and 409 only", statuses)
	}
	if n := len(r.admin(200, "GET", "/api/v1/tickets", "").ids()); n != 1 {
		t.Errorf("%d tickets, want 1", n)
	}
}

func TestAKeyMustBePrintable(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.do(access.Admin, "POST", "/api/v1/complaints", complaintBody, "Idempotency-Key", "a b").problem(http.StatusBadRequest)
}
