package simulator

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"telltale/devices"
)

// PublisherOptions say how units reach the broker.
type PublisherOptions struct {
	// Broker is its URL, such as tcp://127.0.0.1:1883 or ssl://host:8883.
	Broker string

	// Username and Password log in every connection. Credentials, when it is
	// set, does so for each unit.
	Username, Password string
	Credentials        func(devices.ID) (username, password string)

	// MaxConnections bounds the connections. Up to that many units have one
	// each, with a last will; more units share them. Zero means 500.
	MaxConnections int

	// Window is how many messages a connection has under way at once. Zero
	// means 64.
	Window int

	// Backlog is how many messages a connection keeps while the broker is
	// away; then Publish waits. Zero means 100,000.
	Backlog int

	// RetryAfter is the pause before a connection is tried again. Zero means
	// one second.
	RetryAfter time.Duration

	Log *zap.Logger // nil: silent
}

// Publisher brings reports to an MQTT broker as devices do: QoS 1, in order
// for each unit, the status retained. What is not acknowledged is kept and
// sent again after a reconnect, so the broker hears everything at least once.
// Publish and Drain are safe for concurrent use with Run.
type Publisher struct {
	lines  []*line
	lineOf map[devices.ID]*line
	acked  atomic.Int64
}

// NewPublisher returns a publisher for the units. It connects to nothing
// before Run.
func NewPublisher(units []devices.ID, opts PublisherOptions) *Publisher {
	opts.MaxConnections = cmp.Or(opts.MaxConnections, 500)
	opts.Window = cmp.Or(opts.Window, 64)
	opts.Backlog = cmp.Or(opts.Backlog, 100_000)
	opts.RetryAfter = cmp.Or(opts.RetryAfter, time.Second)
	if opts.Log == nil {
		opts.Log = zap.NewNop()
	}
	p := &Publisher{lineOf: make(map[devices.ID]*line, len(units))}
	shared := len(units) > opts.MaxConnections
	for i, id := range units {
		if i < opts.MaxConnections {
			clientID := string(id)
			if shared {
				clientID = fmt.Sprintf("simulator-%d", i)
			}
			p.lines = append(p.lines, newLine(clientID, opts, &p.acked))
		}
		l := p.lines[i%opts.MaxConnections]
		l.units = append(l.units, id)
		p.lineOf[id] = l
	}
	return p
}

// Publish queues reports for sending. It waits while a connection's backlog
// is full, and returns the context's error when that ends first. Reports of
// units that the publisher was not made for are refused.
func (p *Publisher) Publish(ctx context.Context, reports []devices.Report) error {
	for _, r := range reports {
		l, ok := p.lineOf[r.Device]
		if !ok {
			return fmt.Errorf("publish: unit %s is not of this fleet", r.Device)
		}
		m := message{unit: r.Device, presence: r.Presence}
		if r.Presence == devices.PresenceUnknown {
			m.payload = Payload(r)
		}
		if err := l.queue.push(ctx, m); err != nil {
			return fmt.Errorf("publish for %s: %w", r.Device, err)
		}
	}
	return nil
}

// Drain waits until the broker has acknowledged all that was published.
func (p *Publisher) Drain(ctx context.Context) error {
	for _, l := range p.lines {
		if err := l.queue.waitEmpty(ctx); err != nil {
			return fmt.Errorf("drain %s: %w", l.clientID, err)
		}
	}
	return nil
}

// Acknowledged returns how many reports the broker has acknowledged.
func (p *Publisher) Acknowledged() int64 { return p.acked.Load() }

// Run keeps the connections until ctx ends, then says goodbye on each. It
// returns nil when ctx ends: that a broker is away is no error.
func (p *Publisher) Run(ctx context.Context) error {
	var group errgroup.Group
	for _, l := range p.lines {
		group.Go(func() error {
			l.run(ctx)
			return nil
		})
	}
	return group.Wait()
}
