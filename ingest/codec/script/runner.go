package script

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// MaxSource is the largest script, in bytes. Vendors' own have up to 100 kB.
const MaxSource = 256 << 10

// Options of a runner.
type Options struct {
	// Command starts a worker: a program and its arguments that call [Work] on
	// standard input and output. Required.
	Command []string

	// Workers is how many scripts run at once; others wait. Zero: the number
	// of processors, at most 4.
	Workers int

	// Limit is the processor time that a script may use for one payload. Zero:
	// 50 ms.
	Limit time.Duration
}

// Runner runs scripts in worker processes. It is safe for concurrent use.
type Runner struct {
	opts Options
	idle chan *worker // all workers that are not at work, started or not
	now  func() time.Time

	mu      sync.Mutex
	keys    map[string]int // by source
	lastKey int
	banned  map[int]ban
}

// ban keeps a script that cost a worker its life from doing so again at once:
// to start another takes as long as hundreds of payloads.
type ban struct {
	until time.Time
	cause *Error
}

const (
	banFor  = time.Minute
	maxKeys = 1024
)

// NewRunner returns a runner; it starts nothing. The caller closes it.
func NewRunner(opts Options) (*Runner, error) {
	if len(opts.Command) == 0 {
		return nil, errors.New("a runner of scripts needs the command that starts a worker")
	}
	opts.Workers = cmp.Or(opts.Workers, min(runtime.GOMAXPROCS(0), 4))
	opts.Limit = cmp.Or(opts.Limit, 50*time.Millisecond)
	r := &Runner{
		opts: opts, idle: make(chan *worker, opts.Workers), now: time.Now,
		keys: make(map[string]int), banned: make(map[int]ban),
	}
	for range opts.Workers {
		r.idle <- &worker{command: opts.Command}
	}
	return r, nil
}

// Close ends the workers, once those at work are done. Nobody may use the
// runner afterwards.
func (r *Runner) Close() error {
	for range r.opts.Workers {
		w := <-r.idle
		w.end()
	}
	return nil
}

// Check returns nil when source is a script that can be run, without running
// it. What is wrong with it is an *Error.
func (r *Runner) Check(source string) error {
	if len(source) > MaxSource {
		return &Error{Message: fmt.Sprintf("script of %d bytes is longer than %d", len(source), MaxSource)}
	}
	_, err := r.do(source, request{Check: true})
	return err
}

// Decode runs a script on a payload. What the script or its author got wrong
// is an *Error; other errors say that no worker could be started.
func (r *Runner) Decode(source string, in Input) (Output, error) {
	return r.do(source, request{Input: in})
}

func (r *Runner) do(source string, q request) (Output, error) {
	q.Limit = r.opts.Limit
	var banned *Error
	if q.Key, banned = r.key(source); banned != nil {
		return Output{}, banned
	}
	w := <-r.idle
	a, err := w.ask(q, source)
	r.idle <- w

	var death *Error
	switch {
	case errors.As(err, &death):
		r.ban(q.Key, death)
		return Output{}, death
	case err != nil:
		return Output{}, err
	case a.Error != nil:
		return Output{}, a.Error
	}
	return a.Output, nil
}

// key returns the number of a script, and why it may not be run just now.
func (r *Runner) key(source string) (int, *Error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key, ok := r.keys[source]
	if !ok {
		if len(r.keys) == maxKeys {
			clear(r.keys)
			clear(r.banned)
		}
		r.lastKey++
		key = r.lastKey
		r.keys[source] = key
	}
	b, ok := r.banned[key]
	if ok && r.now().Before(b.until) {
		return key, b.cause
	}
	delete(r.banned, key)
	return key, nil
}

func (r *Runner) ban(key int, cause *Error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.banned[key] = ban{until: r.now().Add(banFor), cause: &Error{
		Message: fmt.Sprintf("not run for %s after it had to be killed: %s", banFor, cause.Message),
	}}
}
