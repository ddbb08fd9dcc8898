package console

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"telltale/tickets/outbox"
)

const (
	// clientBuffer is how many events a client may be behind before it is
	// dropped. It comes back with the last id it saw and misses nothing.
	clientBuffer = 256

	// pageSize is how many events are read at once.
	pageSize = 500

	// lookBack is how far before the newest event the feed starts: events that
	// were being committed while it started stand there.
	lookBack = 1000

	// pollEvery bounds how late an event is when a notification was lost.
	pollEvery = time.Second

	// mendEvery is the pause after trouble with the database.
	mendEvery = time.Second
)

// feed reads the event table once for all clients.
type feed struct {
	events Events
	log    *zap.Logger
	counts *metrics
	wake   chan struct{} // capacity 1: one pending wake-up says it all
	ready  chan struct{} // closed when position can be relied on

	mu       sync.Mutex
	position int64 // every event up to here has been given out
	clients  map[*client]struct{}
	closed   bool
}

// client is one open event stream. Its channel is closed by the feed alone,
// when the client is too slow or the server stops.
type client struct{ events chan outbox.Event }

func newFeed(events Events, log *zap.Logger, counts *metrics) *feed {
	return &feed{
		events: events, log: log, counts: counts,
		wake:    make(chan struct{}, 1),
		ready:   make(chan struct{}),
		clients: make(map[*client]struct{}),
	}
}

// run follows the table until ctx ends, then ends every client.
func (f *feed) run(ctx context.Context) error {
	defer f.close()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		f.untilDone(ctx, "event notifications lost", func() error {
			return f.events.WatchEvents(ctx, f.nudge)
		})
		return nil
	})
	g.Go(func() error {
		f.untilDone(ctx, "events not read", func() error { return f.follow(ctx) })
		return nil
	})
	return g.Wait()
}

// untilDone runs step again and again until ctx ends.
func (f *feed) untilDone(ctx context.Context, trouble string, step func() error) {
	for ctx.Err() == nil {
		if err := step(); err != nil && ctx.Err() == nil {
			f.log.Warn(trouble, zap.Error(err))
		}
		f.nudge() // whatever was missed meanwhile is in the table
		select {
		case <-time.After(mendEvery):
		case <-ctx.Done():
		}
	}
}

func (f *feed) nudge() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// follow gives out events as they come, until an error.
func (f *feed) follow(ctx context.Context) error {
	last, err := f.events.LastEvent(ctx)
	if err != nil {
		return err
	}
	order := settler{position: f.start(last)}

	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		more, err := f.step(ctx, &order)
		if err != nil {
			return err
		}
		if order.position >= last {
			f.announce()
		}
		if more {
			continue
		}
		select {
		case <-f.wake:
		case <-poll.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// start returns where to read from: near the end of the table at first, and
// after trouble where it was left, however much has come in meanwhile.
func (f *feed) start(last int64) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.position == 0 {
		f.position = max(0, last-lookBack)
	}
	return f.position
}

// step reads one page and gives out what is settled. It reports whether there
// may be more to give out at once.
func (f *feed) step(ctx context.Context, order *settler) (more bool, err error) {
	page, snapshot, err := f.events.EventsAfter(ctx, order.position, pageSize)
	if err != nil {
		return false, err
	}
	settled := order.settle(page, snapshot)
	f.broadcast(settled, order.position)
	return len(page) == pageSize && len(settled) > 0, nil
}

func (f *feed) announce() {
	select {
	case <-f.ready:
	default:
		close(f.ready)
	}
}

func (f *feed) broadcast(events []outbox.Event, position int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.position = position
	for _, e := range events {
		for c := range f.clients {
			select {
			case c.events <- e:
			default: // too slow: it resumes from the table
				f.counts.dropped.Inc()
				f.end(c)
			}
		}
	}
}

// end closes a client's channel; the caller holds mu.
func (f *feed) end(c *client) {
	delete(f.clients, c)
	f.counts.streams.Set(float64(len(f.clients)))
	close(c.events)
}

var errStopped = errors.New("console: stopped")

// join adds a client and returns the position after which its channel starts.
// It waits until the feed has found its place in the table.
func (f *feed) join(ctx context.Context) (*client, int64, error) {
	select {
	case <-f.ready:
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, 0, errStopped
	}
	c := &client{events: make(chan outbox.Event, clientBuffer)}
	f.clients[c] = struct{}{}
	f.counts.streams.Set(float64(len(f.clients)))
	return c, f.position, nil
}

// leave removes a client; one that is gone already is fine.
func (f *feed) leave(c *client) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.clients, c)
	f.counts.streams.Set(float64(len(f.clients)))
}

func (f *feed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for c := range f.clients {
		f.end(c)
	}
}
