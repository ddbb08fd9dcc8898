package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// Options say how the console presents itself.
type Options struct {
	// PublicURL is the address people use, such as "https://telltale.example".
	// If it is https, cookies are sent over https only. Empty: decided by each
	// connection.
	PublicURL string

	// TrustProxy says that every request comes through a proxy of ours, so
	// that X-Forwarded-For and X-Forwarded-Proto are to be believed.
	TrustProxy bool

	// Version is shown in the OpenAPI document and on pages. Empty: "dev".
	Version string

	// Checks are the parts that /readyz asks, in order.
	Checks []Check

	// Gatherer is what /metrics shows. Nil: no metrics are served.
	Gatherer prometheus.Gatherer

	// Registerer is told of the console's own metrics. Nil: they are counted
	// and not shown.
	Registerer prometheus.Registerer

	// Heartbeat is the distance of comments that keep an idle event stream
	// open. Zero: 15 s.
	Heartbeat time.Duration

	// Log receives the causes that clients are not told. Nil: nowhere.
	Log *zap.Logger

	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

func (o Options) validate() error {
	if o.PublicURL == "" {
		return nil
	}
	u, err := url.Parse(o.PublicURL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("public URL %q: must be http(s)://host", o.PublicURL)
	}
	return nil
}

// Server serves the console. Make one with [New], serve [Server.Handler], and
// run [Server.Run] beside it. Safe for concurrent use.
type Server struct {
	deps    Deps
	opts    Options
	log     *zap.Logger
	now     func() time.Time
	secure  bool // PublicURL is https
	origin  *http.CrossOriginProtection
	feed    *feed
	pages   *pages
	handler http.Handler

	backtests chan struct{} // capacity 1: one at a time
	testing   chan struct{} // capacity testsSide
	jobs      *backtestJobs
}

// New returns a console over deps. It starts nothing.
func New(deps Deps, opts Options) (*Server, error) {
	if err := errors.Join(deps.validate(), opts.validate()); err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	opts.Version = cmp.Or(opts.Version, "dev")
	opts.Heartbeat = cmp.Or(opts.Heartbeat, 15*time.Second)
	if opts.Log == nil {
		opts.Log = zap.NewNop()
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	s := &Server{
		deps: deps, opts: opts,
		log:    opts.Log.Named("console"),
		now:    opts.Now,
		origin: http.NewCrossOriginProtection(),

		backtests: make(chan struct{}, 1),
		testing:   make(chan struct{}, testsSide),
		jobs:      newBacktestJobs(opts.Now),
	}
	if err := s.trustPublicURL(); err != nil {
		return nil, fmt.Errorf("console: public URL: %w", err)
	}
	counts, err := newMetrics(opts.Registerer)
	if err != nil {
		return nil, fmt.Errorf("console: metrics: %w", err)
	}
	s.feed = newFeed(deps.Events, s.log, counts)
	s.handler = s.recovered(secured(s.routes(counts)))
	return s, nil
}

// trustPublicURL lets changes through that a browser sends from there, also
// when a proxy changes the host on the way.
func (s *Server) trustPublicURL() error {
	if s.opts.PublicURL == "" {
		return nil
	}
	u, err := url.Parse(s.opts.PublicURL)
	if err != nil {
		return err
	}
	s.secure = u.Scheme == "https"
	return s.origin.AddTrustedOrigin(u.Scheme + "://" + u.Host)
}

// routes registers everything and counts what is answered.
func (s *Server) routes(counts *metrics) http.Handler {
	mux := http.NewServeMux()
	s.registerHealth(mux)
	s.registerLogin(mux)
	resources := s.registerAPI(mux)
	s.registerEvents(mux)
	s.registerPages(mux)
	s.registerActs(mux)
	return counts.counted(func(r *http.Request) string {
		_, pattern := mux.Handler(r)
		if pattern == apiRoute {
			_, pattern = resources.Handler(r)
		}
		return cmp.Or(pattern, "none")
	}, mux)
}

// Handler returns the whole console as one handler.
func (s *Server) Handler() http.Handler { return s.handler }

// pruneEvery is how often expired sessions, links and kept answers go.
const pruneEvery = 10 * time.Minute

// Run follows the event table on behalf of all clients, works on backtests and
// forgets what has expired. It returns when ctx ends, after every event stream
// was told to end; open streams would otherwise hold up the server's shutdown.
func (s *Server) Run(ctx context.Context) error {
	var beside sync.WaitGroup
	beside.Go(func() { s.prune(ctx) })
	beside.Go(func() { s.runBacktests(ctx) })
	err := s.feed.run(ctx)
	beside.Wait()
	return err
}

func (s *Server) prune(ctx context.Context) {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		s.jobs.prune()
		err := errors.Join(
			s.deps.Access.Prune(ctx),
			s.deps.Answers.PruneKeys(ctx, s.now().Add(-keepAnswers)))
		if err != nil && ctx.Err() == nil {
			s.log.Warn("expired rows not removed", zap.Error(err))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// recovered answers a panic with a plain 500 instead of a torn connection.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler { //nolint:errorlint // net/http compares by identity
				panic(v)
			}
			s.log.Error("handler panicked", zap.Any("panic", v), zap.String("path", r.URL.Path),
				zap.ByteString("stack", debug.Stack()))
			writeProblem(w, http.StatusInternalServerError, internalSentence)
		}()
		next.ServeHTTP(w, r)
	})
}

// secured adds the headers that tell a browser what our pages never do: run
// inline or foreign scripts and styles, be framed, be sniffed, leak addresses.
func secured(next http.Handler) http.Handler {
	const policy = "default-src 'self'; script-src 'self'; style-src 'self'; " +
		"img-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; " +
		"form-action 'self'; frame-ancestors 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}
