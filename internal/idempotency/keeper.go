package idempotency

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"time"
)

// Header is the request header that carries the key.
const Header = "Idempotency-Key"

// ReplayedHeader marks an answer that was given before.
const ReplayedHeader = "Idempotency-Replayed"

// maxKey bounds a key; a UUID has 36 characters.
const maxKey = 255

// Answer is what is known of the request that a key belongs to.
type Answer struct {
	Request     []byte // hash of the request
	Status      int    // 0: the request has not been answered
	ContentType string
	Body        []byte
}

// Store keeps claims and answers.
type Store interface {
	// ClaimKey takes the key for a request, and reports whether it was free.
	// When it was not it returns what is known of its owner.
	ClaimKey(ctx context.Context, key string, request []byte) (claimed bool, first Answer, err error)

	// KeepAnswer stores the answer of a claimed key.
	KeepAnswer(ctx context.Context, key string, a Answer) error

	// ReleaseKey gives a claimed key back.
	ReleaseKey(ctx context.Context, key string) error
}

// Keeper guards handlers. Safe for concurrent use.
type Keeper struct {
	store  Store
	scope  func(*http.Request) string
	refuse func(w http.ResponseWriter, r *http.Request, status int, detail string)
	fail   func(w http.ResponseWriter, r *http.Request, err error)
}

// New returns a keeper. Scope says who asks: keys of different principals
// never meet. Refuse answers a request with a sentence, fail one that the
// store could not serve.
func New(
	store Store,
	scope func(*http.Request) string,
	refuse func(w http.ResponseWriter, r *http.Request, status int, detail string),
	fail func(w http.ResponseWriter, r *http.Request, err error),
) *Keeper {
	return &Keeper{store: store, scope: scope, refuse: refuse, fail: fail}
}

// Wrap returns next such that a POST with a key happens once. The body of
// such a request is read whole, up to limit bytes.
func (k *Keeper) Wrap(limit int64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get(Header)
		if key == "" || r.Method != http.MethodPost {
			next.ServeHTTP(w, r)
			return
		}
		if !validKey(key) {
			k.refuse(w, r, http.StatusBadRequest, Header+" must be 1 to 255 printable ASCII characters.")
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
		if err != nil {
			k.refuseBody(w, r, err)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		k.once(w, r, next, k.scope(r)+" "+key, hash(r, body))
	})
}

// settle is how long keeping an answer may take after the client has gone.
const settle = 5 * time.Second

func (k *Keeper) once(w http.ResponseWriter, r *http.Request, next http.Handler, key string, request []byte) {
	claimed, first, err := k.store.ClaimKey(r.Context(), key, request)
	switch {
	case err != nil:
		k.fail(w, r, err)
		return
	case !claimed:
		k.replay(w, r, first, request)
		return
	}

	// The effect may commit although the client has gone, so what is known of
	// it is written whether or not anybody still listens.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), settle)
	defer cancel()
	rec := &recorder{header: make(http.Header), status: http.StatusOK}
	next.ServeHTTP(rec, r) // a panic leaves the key claimed: it may have happened
	if rec.status >= 200 && rec.status < 300 {
		err = k.store.KeepAnswer(ctx, key, Answer{
			Request: request, Status: rec.status,
			ContentType: rec.header.Get("Content-Type"), Body: rec.body.Bytes(),
		})
	} else {
		err = k.store.ReleaseKey(ctx, key)
	}
	if err != nil {
		k.fail(w, r, err)
		return
	}
	rec.copyTo(w)
}

func (k *Keeper) replay(w http.ResponseWriter, r *http.Request, first Answer, request []byte) {
	switch {
	case !bytes.Equal(first.Request, request):
		k.refuse(w, r, http.StatusUnprocessableEntity,
			"This "+Header+" was used for another request. Use a new key for a new request.")
	case first.Status == 0:
		k.refuse(w, r, http.StatusConflict, "The first request with this "+Header+
			" has not been answered yet. Wait and repeat it; if this does not change, the server was stopped "+
			"in the middle: look whether it happened before you use a new key.")
	default:
		w.Header().Set("Content-Type", first.ContentType)
		w.Header().Set(ReplayedHeader, "true")
		w.WriteHeader(first.Status)
		_, _ = w.Write(first.Body)
	}
}

func (k *Keeper) refuseBody(w http.ResponseWriter, r *http.Request, err error) {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		k.refuse(w, r, http.StatusRequestEntityTooLarge, "The body is too large.")
		return
	}
	k.refuse(w, r, http.StatusBadRequest, "The body ended early.")
}

func validKey(s string) bool {
	if s == "" || len(s) > maxKey {
		return false
	}
	for i := range len(s) {
		if s[i] < 0x21 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// hash names a request. The parts are parted by their lengths, so that no two
// requests share one.
func hash(r *http.Request, body []byte) []byte {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(r.Method), []byte(r.URL.RequestURI()), body} {
		_ = binary.Write(h, binary.BigEndian, uint64(len(part)))
		h.Write(part)
	}
	return h.Sum(nil)
}

// recorder holds an answer until it is kept.
type recorder struct {
	header http.Header
	status int
	wrote  bool
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	r.wrote = true
	return r.body.Write(p)
}

func (r *recorder) copyTo(w http.ResponseWriter) {
	for name, values := range r.header {
		w.Header()[name] = values
	}
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body.Bytes())
}
