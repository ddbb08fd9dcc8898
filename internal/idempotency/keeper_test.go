package idempotency_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"telltale/internal/idempotency"
	"telltale/internal/postgres/pgtest"
)

// bench runs requests through a keeper around a handler that counts.
type bench struct {
	t    *testing.T
	wrap http.Handler
	runs int
}

func newBench(t *testing.T, handle http.HandlerFunc) *bench {
	t.Helper()
	b := &bench{t: t}
	keeper := idempotency.New(pgtest.New(t),
		func(*http.Request) string { return "ewa" },
		func(w http.ResponseWriter, _ *http.Request, status int, _ string) { w.WriteHeader(status) },
		func(w http.ResponseWriter, _ *http.Request, err error) { t.Error(err); w.WriteHeader(500) })
	b.wrap = keeper.Wrap(64, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.runs++
		handle(w, r)
	}))
	return b
}

// post returns the status of a request, 0 when its handler panicked.
func (b *bench) post(method, target, key, body string) (status int) {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.t.Context(), method, target, strings.NewReader(body))
	r.Header.Set(idempotency.Header, key)
	w := httptest.NewRecorder()
	defer func() {
		if recover() != nil {
			status = 0
		}
	}()
	b.wrap.ServeHTTP(w, r)
	return w.Code
}

func TestARequestThatDiedInTheMiddleIsNotRunAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(http.ResponseWriter, *http.Request) { panic(errors.New("half done")) })
	if got := b.post("POST", "/a", "k", "body"); got != 0 {
		t.Fatalf("status %d, want a panic", got)
	}
	if got := b.post("POST", "/a", "k", "body"); got != http.StatusConflict || b.runs != 1 {
		t.Errorf("status %d after %d runs, want 409 after one", got, b.runs)
	}
}

func TestAnAnswerThatIsNoSuccessIsNotKept(t *testing.T) {
	t.Parallel()
	status := http.StatusServiceUnavailable
	b := newBench(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	b.post("POST", "/a", "k", "body")
	status = http.StatusCreated
	if got := b.post("POST", "/a", "k", "body"); got != http.StatusCreated || b.runs != 2 {
		t.Errorf("status %d after %d runs", got, b.runs)
	}
	if got := b.post("POST", "/a", "k", "body"); got != http.StatusCreated || b.runs != 2 {
		t.Errorf("the success: status %d after %d runs", got, b.runs)
	}
}

func TestAKeyIsBoundToMethodTargetAndBody(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(http.ResponseWriter, *http.Request) {})
	b.post("POST", "/a?b=1", "k", "body")
	for _, other := range [][2]string{{"/a?b=2", "body"}, {"/a?b=1", "bodY"}, {"/a?b=1b", "ody"}} {
		if got := b.post("POST", other[0], "k", other[1]); got != http.StatusUnprocessableEntity {
			t.Errorf("%v: status %d, want 422", other, got)
		}
	}
	if got := b.post("POST", "/a?b=1", "k", "body"); got != 200 || b.runs != 1 {
		t.Errorf("the same: status %d after %d runs", got, b.runs)
	}
}

func TestOnlyPostsWithAKeyAreKept(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(http.ResponseWriter, *http.Request) {})
	for range 2 {
		b.post("PATCH", "/a", "k", "body")
		b.post("POST", "/a", "", "body")
	}
	if b.runs != 4 {
		t.Errorf("%d runs, want 4", b.runs)
	}
}

func TestABodyAboveTheLimitIsNotRead(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(http.ResponseWriter, *http.Request) {})
	if got := b.post("POST", "/a", "k", strings.Repeat("x", 65)); got != http.StatusRequestEntityTooLarge || b.runs != 0 {
		t.Errorf("status %d after %d runs", got, b.runs)
	}
	if got := b.post("POST", "/a", strings.Repeat("k", 256), "x"); got != http.StatusBadRequest {
		t.Errorf("a long key: status %d", got)
	}
}
