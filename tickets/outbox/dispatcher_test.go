package outbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"telltale/internal/postgres"
	"telltale/internal/postgres/pgtest"
	"telltale/tickets/outbox"
)

// receiver is a webhook receiver of the careful kind: it knows every id it
// has accepted and in which order those of a key came.
type receiver struct {
	*httptest.Server
	fails func(attempt int) int // HTTP status for the n-th request, from 1; 0: accept

	requests atomic.Int64
	mu       sync.Mutex
	accepted map[string][]string // key -> ids in order
	seen     map[string]int      // id -> times accepted
	arrived  chan string         // an id for each first acceptance
}

func newReceiver(t *testing.T, fails func(attempt int) int) *receiver {
	t.Helper()
	r := &receiver{fails: fails, accepted: map[string][]string{}, seen: map[string]int{}, arrived: make(chan string, 10_000)}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) serve(w http.ResponseWriter, request *http.Request) {
	if status := r.fails(int(r.requests.Add(1))); status != 0 {
		w.WriteHeader(status)
		return
	}
	var event struct {
		ID  string `json:"id"`
		Key string `json:"partitionkey"`
	}
	if err := json.NewDecoder(request.Body).Decode(&event); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[event.ID]++; r.seen[event.ID] == 1 {
		r.accepted[event.Key] = append(r.accepted[event.Key], event.ID)
		r.arrived <- event.ID
	}
}

// await waits until n more events have been accepted for the first time.
func (r *receiver) await(t *testing.T, n int) {
	t.Helper()
	deadline := time.After(time.Minute)
	for i := range n {
		select {
		case <-r.arrived:
		case <-deadline:
			t.Fatalf("%d of %d events arrived", i, n)
		}
	}
}

func always(int) int { return 0 }

const hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func (r *receiver) hook(t *testing.T, name string) outbox.Destination {
	t.Helper()
	hook, err := outbox.NewWebhook(outbox.WebhookConfig{Name: name, URL: r.URL, Secret: hookSecret})
	if err != nil {
		t.Fatal(err)
	}
	return hook
}

// hasty retries at once, so that a test takes no longer than its failures.
func hasty() outbox.Options {
	return outbox.Options{Poll: 5 * time.Millisecond, Policy: outbox.Policy{Base: time.Millisecond, MaxFailed: 4 * time.Millisecond, MaxRefused: 4 * time.Millisecond}}
}

// dispatch runs a dispatcher until the returned function is called.
func dispatch(t *testing.T, store outbox.Store, opts outbox.Options, to ...outbox.Destination) (stop func()) {
	t.Helper()
	d, err := outbox.NewDispatcher(store, to, zap.NewNop(), opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func eventsOf(key string, n int) []outbox.Event {
	events := make([]outbox.Event, n)
	for i := range events {
		events[i] = outbox.Event{ID: fmt.Sprintf("%s-%03d", key, i), Type: "ticket.updated", Subject: key,
			OrderingKey: key, At: time.Now(), Data: json.RawMessage(`{"n": ` + fmt.Sprint(i) + `}`)}
	}
	return events
}

func appendEvents(t *testing.T, db *postgres.DB, events ...outbox.Event) {
	t.Helper()
	if err := db.AppendEvents(t.Context(), events); err != nil {
		t.Fatal(err)
	}
}

func unsent(t *testing.T, db *postgres.DB) int {
	t.Helper()
	ages, err := db.OldestUnsent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return len(ages)
}

func TestEventsOfAKeyArriveInOrderThroughFailures(t *testing.T) {
	t.Parallel()
	db := pgtest.NewWith(t, postgres.Options{Destinations: []string{"hook"}})
	const keys, each = 20, 10
	for i := range each { // interleaved, as tickets are
		for k := range keys {
			appendEvents(t, db, eventsOf(fmt.Sprintf("T-%02d", k), each)[i])
		}
	}
	r := newReceiver(t, func(attempt int) int {
		if attempt%3 == 0 {
			return http.StatusInternalServerError
		}
		return 0
	})
	stop := dispatch(t, db, hasty(), r.hook(t, "hook"))
	r.await(t, keys*each)
	stop()

	for k := range keys {
		key := fmt.Sprintf("T-%02d", k)
		for i, want := range eventsOf(key, each) {
			if got := r.accepted[key][i]; got != want.ID {
				t.Fatalf("event %d of %s is %s, want %s", i, key, got, want.ID)
			}
		}
	}
	for id, n := range r.seen {
		if n != 1 {
			t.Errorf("%s was accepted %d times", id, n)
		}
	}
	if n := unsent(t, db); n != 0 {
		t.Errorf("%d destinations have unsent events", n)
	}
}

func TestTwoDispatchersShareTheWorkAndKeepTheOrder(t *testing.T) {
	t.Parallel()
	db := pgtest.NewWith(t, postgres.Options{Destinations: []string{"hook"}, MaxConns: 20})
	const keys, each = 10, 20
	for k := range keys {
		appendEvents(t, db, eventsOf(fmt.Sprintf("T-%02d", k), each)...)
	}
	r := newReceiver(t, always)
	first := dispatch(t, db, hasty(), r.hook(t, "hook"))
	second := dispatch(t, db, hasty(), r.hook(t, "hook"))
	r.await(t, keys*each)
	first()
	second()

	for k := range keys {
		key := fmt.Sprintf("T-%02d", k)
		for i, want := range eventsOf(key, each) {
			if got := r.accepted[key][i]; got != want.ID {
				t.Fatalf("event %d of %s is %s, want %s", i, key, got, want.ID)
			}
		}
	}
	for id, n := range r.seen {
		if n != 1 {
			t.Errorf("%s was sent %d times", id, n)
		}
	}
}

func TestADeliveryClaimedByADeadProcessIsSentAgainUnderItsID(t *testing.T) {
	t.Parallel()
	db := pgtest.NewWith(t, postgres.Options{Destinations: []string{"hook"}})
	appendEvents(t, db, eventsOf("T-1", 2)...)

	claimed, err := db.ClaimDeliveries(t.Context(), "hook", 10, time.Millisecond) // and then it dies
	if err != nil || len(claimed) != 1 {
		t.Fatalf("claimed %d, %v; want the first of the key alone", len(claimed), err)
	}
	r := newReceiver(t, always)
	stop := dispatch(t, db, hasty(), r.hook(t, "hook"))
	r.await(t, 2)
	stop()
	if got := r.accepted["T-1"]; got[0] != "T-1-000" || got[1] != "T-1-001" {
		t.Errorf("arrived %v", got)
	}

	// The dead process comes back to life and settles what is no longer its.
	if err := db.SettleDelivery(t.Context(), claimed[0], outbox.Outcome{State: outbox.Retryable}); err != nil {
		t.Fatal(err)
	}
	if n := unsent(t, db); n != 0 {
		t.Error("a late settlement brought a completed delivery back")
	}
}

// dyingStore is a store whose first settlements are lost, as by kill -9
// between the answer and the database.
type dyingStore struct {
	outbox.Store
	lose atomic.Int64
}

func (s *dyingStore) SettleDelivery(ctx context.Context, d outbox.Delivery, o outbox.Outcome) error {
	if s.lose.Add(-1) >= 0 {
		return errors.New("killed")
	}
	return s.Store.SettleDelivery(ctx, d, o)
}

func TestAReceiverThatKeepsIDsCountsEachEventOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.NewWith(t, postgres.Options{Destinations: []string{"hook"}})
	const n = 10
	for k := range n {
		appendEvents(t, db, eventsOf(fmt.Sprintf("T-%d", k), 1)...)
	}
	store := &dyingStore{Store: db}
	store.lose.Store(3)
	r := newReceiver(t, always)
	opts := hasty()
	opts.Lease = 50 * time.Millisecond
	stop := dispatch(t, store, opts, r.hook(t, "hook"))
	r.await(t, n)
	for unsent(t, db) > 0 {
		// The three are sent again when their leases are over.
	}
	stop()
	again := 0
	for _, times := range r.seen {
		again += times - 1
	}
	if len(r.seen) != n || again != 3 {
		t.Errorf("%d ids accepted, %d of them again; want %d and 3", len(r.seen), again, n)
	}
}

func TestADestinationThatRecoversGetsEverything(t *testing.T) {
	t.Parallel()
	db := pgtest.NewWith(t, postgres.Options{Destinations: []string{"hook"}})
	const n = 50
	for k := range n {
		appendEvents(t, db, eventsOf(fmt.Sprintf("T-%d", k), 1)...)
	}
	r := newReceiver(t, func(attempt int) int {
		if attempt <= 6 { // trips the breaker
			return http.StatusServiceUnavailable
		}
		return 0
	})
	stop := dispatch(t, db, hasty(), r.hook(t, "hook"))
	r.await(t, n)
	stop()
	if got := unsent(t, db); got != 0 {
		t.Errorf("%d destinations have unsent events", got)
	}
}

func TestASlowDestinationDoesNotStopAnother(t *testing.T) {
	t.Parallel()
	db := pgtest.NewWith(t, postgres.Options{Destinations: []string{"slow", "quick"}})
	const n = 100
	for k := range n {
		appendEvents(t, db, eventsOf(fmt.Sprintf("T-%d", k), 1)...)
	}
	release := make(chan struct{})
	slow := newReceiver(t, func(int) int { <-release; return 0 })
	quick := newReceiver(t, always)
	dispatch(t, db, hasty(), slow.hook(t, "slow"), quick.hook(t, "quick"))

	quick.await(t, n) // while not one request to the slow one has been answered
	close(release)
	slow.await(t, n)
}

func TestARefusedEventIsGivenUpAtLastAndMakesWay(t *testing.T) {
	t.Parallel()
	db := pgtest.NewWith(t, postgres.Options{Destinations: []string{"hook"}})
	appendEvents(t, db, eventsOf("T-1", 2)...)
	opts := hasty()
	opts.Policy.RefusedAttempts, opts.Policy.RefusedFor = 3, time.Nanosecond
	r := newReceiver(t, func(attempt int) int {
		if attempt <= 3 {
			return http.StatusUnprocessableEntity
		}
		return 0
	})
	stop := dispatch(t, db, opts, r.hook(t, "hook"))
	r.await(t, 1)
	stop()
	if got := r.accepted["T-1"]; len(got) != 1 || got[0] != "T-1-001" {
		t.Errorf("arrived %v, want the second alone", got)
	}
}

func TestOnlyWhatADestinationWantsIsStoredForIt(t *testing.T) {
	t.Parallel()
	db := pgtest.NewWith(t, postgres.Options{
		Destinations: []string{"all", "some"},
		Wants:        func(name, eventType string) bool { return name == "all" || eventType == "ticket.opened" },
	})
	appendEvents(t, db, eventsOf("T-1", 1)...)
	for name, want := range map[string]int{"all": 1, "some": 0} {
		claimed, err := db.ClaimDeliveries(t.Context(), name, 10, time.Minute)
		if err != nil || len(claimed) != want {
			t.Errorf("%s has %d deliveries, %v; want %d", name, len(claimed), err, want)
		}
	}
}

func TestAnEventIsStoredOnceHoweverOftenItIsAppended(t *testing.T) {
	t.Parallel()
	db := pgtest.NewWith(t, postgres.Options{Destinations: []string{"hook"}})
	appendEvents(t, db, eventsOf("T-1", 1)...)
	appendEvents(t, db, eventsOf("T-1", 1)...)
	claimed, err := db.ClaimDeliveries(t.Context(), "hook", 10, time.Minute)
	if err != nil || len(claimed) != 1 {
		t.Errorf("%d deliveries, %v; want 1", len(claimed), err)
	}
}

func TestWhatIsUnderWayMayEndAtShutdownAndTheRestIsGivenBack(t *testing.T) {
	t.Parallel()
	db := pgtest.NewWith(t, postgres.Options{Destinations: []string{"hook"}})
	for k := range 4 {
		appendEvents(t, db, eventsOf(fmt.Sprintf("T-%d", k), 1)...)
	}
	begun, release := make(chan struct{}, 4), make(chan struct{})
	r := newReceiver(t, func(int) int { begun <- struct{}{}; <-release; return 0 })
	opts := hasty()
	opts.Parallel, opts.StopWithin = 1, time.Minute
	d, err := outbox.NewDispatcher(db, []outbox.Destination{r.hook(t, "hook")}, zap.NewNop(), opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = d.Run(ctx) }()
	<-begun // the first is being sent, three are claimed
	cancel()
	close(release)
	<-ended

	if n := len(r.seen); n != 1 {
		t.Errorf("%d events were sent, want the one under way", n)
	}
	claimed, err := db.ClaimDeliveries(t.Context(), "hook", 10, time.Minute)
	if err != nil || len(claimed) != 3 {
		t.Errorf("%d deliveries can be claimed at once, %v; want 3", len(claimed), err)
	}
}

func TestACommitWakesTheDispatcher(t *testing.T) {
	t.Parallel()
	db := pgtest.NewWith(t, postgres.Options{Destinations: []string{"hook"}})
	r := newReceiver(t, always)
	watching := make(chan struct{}, 10)
	opts := outbox.Options{Poll: time.Hour, Watch: func(ctx context.Context, wake func()) error {
		return db.WatchEvents(ctx, func() { wake(); watching <- struct{}{} })
	}}
	dispatch(t, db, opts, r.hook(t, "hook"))
	<-watching
	appendEvents(t, db, eventsOf("T-1", 1)...)
	r.await(t, 1) // long before the next poll
}

func TestOldEventsArePrunedOnceTheyAreSettled(t *testing.T) {
	t.Parallel()
	db := pgtest.NewWith(t, postgres.Options{Destinations: []string{"hook"}})
	appendEvents(t, db, eventsOf("T-1", 3)...)
	claimed, err := db.ClaimDeliveries(t.Context(), "hook", 1, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.SettleDelivery(t.Context(), claimed[0], outbox.Outcome{State: outbox.Completed}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		before time.Time
		want   int64
	}{{time.Now().Add(-time.Hour), 0}, {time.Now().Add(time.Hour), 1}, {time.Now().Add(time.Hour), 0}} {
		if n, err := db.PruneEvents(t.Context(), step.before); err != nil || n != step.want {
			t.Errorf("pruned %d, %v; want %d", n, err, step.want)
		}
	}
	if claimed, err = db.ClaimDeliveries(t.Context(), "hook", 1, time.Minute); err != nil || len(claimed) != 1 {
		t.Errorf("claimed %d, %v; the unsent ones must stay", len(claimed), err)
	}
}
