package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
)

// Options say what to publish. Broker, Connections, Devices and Duration are
// required.
type Options struct {
	Broker      string // host:port
	Username    string
	Password    string
	Connections int
	Window      int           // unacknowledged messages per connection; 0: 1
	Rate        int           // messages per second of all connections; 0: as fast as acknowledged
	Duration    time.Duration // how long to publish
	WarmUp      time.Duration // how long to publish before that without measuring how long it takes
	Devices     int           // how many devices the messages are from
	DeviceID    string        // format of a device id; "" is "load-%05d"

	// BreachEvery makes every n-th device too warm for two seconds, one after the
	// other all through Duration, so that tickets open; 0: none.
	BreachEvery int

	// Connected is called when all connections are open, Rest before publishing
	// begins: for who measures what messages cost, and not what connections do.
	// Nil: nobody wants to know.
	Connected func()
	Rest      time.Duration
}

// Report is what a run measured.
type Report struct {
	Sent         int64
	Acknowledged int64
	Elapsed      time.Duration

	// From when a PUBLISH was due to its PUBACK. With a rate it is due by that
	// alone, whatever held it up; without one, when it is written.
	P50, P99, Max time.Duration

	// How long after it was due a PUBLISH was written: because the window was
	// full or because this process was late. It is a part of the above.
	LateP50, LateP99 time.Duration
}

// Rate returns acknowledged messages per second.
func (r Report) Rate() float64 { return float64(r.Acknowledged) / r.Elapsed.Seconds() }

// String prints the report in one line.
func (r Report) String() string {
	return fmt.Sprintf("%d sent, %d acknowledged in %s: %.0f messages/s; PUBACK p50 %s, p99 %s, max %s; sent late p50 %s, p99 %s",
		r.Sent, r.Acknowledged, r.Elapsed.Round(time.Millisecond), r.Rate(),
		r.P50.Round(time.Microsecond), r.P99.Round(time.Microsecond), r.Max.Round(time.Microsecond),
		r.LateP50.Round(time.Microsecond), r.LateP99.Round(time.Microsecond))
}

func (o *Options) validate() error {
	var faults []error
	positive := func(name string, n int) {
		if n <= 0 {
			faults = append(faults, fmt.Errorf("load: %s must be positive, is %d", name, n))
		}
	}
	positive("connections", o.Connections)
	positive("devices", o.Devices)
	positive("duration", int(o.Duration))
	if o.WarmUp < 0 || o.Rest < 0 {
		faults = append(faults, fmt.Errorf("load: warm-up and rest must not be negative, are %s and %s", o.WarmUp, o.Rest))
	}
	if o.Rate < 0 {
		faults = append(faults, fmt.Errorf("load: rate must not be negative, is %d", o.Rate))
	}
	if o.Window < 0 || o.Window > maxWindow {
		faults = append(faults, fmt.Errorf("load: window must be at most %d, is %d", maxWindow, o.Window))
	}
	if o.DeviceID == "" {
		o.DeviceID = "load-%05d"
	}
	if o.Window == 0 {
		o.Window = 1
	}
	return errors.Join(faults...)
}

// breachAfter returns when after the start a device goes too warm; 0: never.
func (o *Options) breachAfter(device int) time.Duration {
	if o.BreachEvery <= 0 || device%o.BreachEvery != 0 {
		return 0
	}
	breaching := (o.Devices-1)/o.BreachEvery + 1
	return o.WarmUp + o.Duration*time.Duration(2*(device/o.BreachEvery)+1)/time.Duration(2*breaching)
}

// maxWindow keeps packet identifiers from meeting themselves.
const maxWindow = 10_000

// Run connects, publishes for the duration, waits for what is under way and
// reports. An error of any connection ends the run.
func Run(ctx context.Context, opts Options) (Report, error) {
	if err := opts.validate(); err != nil {
		return Report{}, err
	}
	seen := measured{warmUp: opts.WarmUp}
	clients := make([]*client, opts.Connections)
	for i := range clients {
		c, err := dial(ctx, &opts, i, &seen)
		if err != nil {
			return Report{}, errors.Join(fmt.Errorf("connection %d: %w", i, err), closeAll(clients))
		}
		clients[i] = c
	}
	defer closeAll(clients)
	defer context.AfterFunc(ctx, func() { _ = closeAll(clients) })()

	if err := rest(ctx, &opts); err != nil {
		return Report{}, err
	}
	group, ctx := errgroup.WithContext(ctx)
	started := time.Now()
	seen.start = started
	for _, c := range clients {
		c.start = started
		group.Go(c.run)
	}
	group.Go(func() error { return pace(ctx, clients, &opts, started) })
	// The first that fails has the others closed, and they return.
	defer context.AfterFunc(ctx, func() { _ = closeAll(clients) })()
	if err := group.Wait(); err != nil {
		return Report{}, err
	}
	return seen.report(time.Since(started)), nil
}

func rest(ctx context.Context, opts *Options) error {
	if opts.Connected != nil {
		opts.Connected()
	}
	timer := time.NewTimer(opts.Rest)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func closeAll(clients []*client) error {
	var faults []error
	for _, c := range clients {
		if c != nil {
			faults = append(faults, c.conn.Close())
		}
	}
	return errors.Join(faults...)
}

func dial(ctx context.Context, opts *Options, i int, seen *measured) (*client, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", opts.Broker)
	if err != nil {
		return nil, err
	}
	c := newClient(conn, opts, i, seen)
	if _, err := conn.Write(appendConnect(nil, "load-"+strconv.Itoa(i), opts.Username, opts.Password)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if err := readConnack(conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return c, nil
}
