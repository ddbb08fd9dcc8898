package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
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
	Devices     int           // how many devices the messages are from
	DeviceID    string        // format of a device id; "" is "load-%05d"

	// BreachEvery makes every n-th device's temperature breach its limit once,
	// half-way through, so that tickets open; 0: none.
	BreachEvery int
}

// Report is what a run measured.
type Report struct {
	Sent         int64
	Acknowledged int64
	Elapsed      time.Duration
	P50, P99     time.Duration // from the write of a PUBLISH to its PUBACK
	Max          time.Duration
}

// Rate returns acknowledged messages per second.
func (r Report) Rate() float64 { return float64(r.Acknowledged) / r.Elapsed.Seconds() }

// String prints the report in one line.
func (r Report) String() string {
	return fmt.Sprintf("%d sent, %d acknowledged in %s: %.0f messages/s; PUBACK p50 %s, p99 %s, max %s",
		r.Sent, r.Acknowledged, r.Elapsed.Round(time.Millisecond), r.Rate(),
		r.P50.Round(time.Microsecond), r.P99.Round(time.Microsecond), r.Max.Round(time.Microsecond))
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

// maxWindow keeps packet identifiers from meeting themselves.
const maxWindow = 10_000

// Run connects, publishes for the duration, waits for what is under way and
// reports. An error of any connection ends the run.
func Run(ctx context.Context, opts Options) (Report, error) {
	if err := opts.validate(); err != nil {
		return Report{}, err
	}
	clients := make([]*client, opts.Connections)
	for i := range clients {
		c, err := dial(ctx, &opts, i)
		if err != nil {
			return Report{}, errors.Join(fmt.Errorf("connection %d: %w", i, err), closeAll(clients))
		}
		clients[i] = c
	}
	defer closeAll(clients)
	defer context.AfterFunc(ctx, func() { _ = closeAll(clients) })()

	runCtx, cancel := context.WithTimeout(ctx, opts.Duration)
	defer cancel()
	var sent atomic.Int64
	errs := make([]error, len(clients))
	var wg sync.WaitGroup
	started := time.Now()
	for i, c := range clients {
		wg.Go(func() { errs[i] = c.run(runCtx, &sent, started) })
	}
	wg.Wait()
	elapsed := time.Since(started)
	if err := errors.Join(errs...); err != nil {
		return Report{}, err
	}
	return summarise(clients, sent.Load(), elapsed), nil
}

func summarise(clients []*client, sent int64, elapsed time.Duration) Report {
	var all histogram
	for _, c := range clients {
		all.add(&c.latency)
	}
	return Report{
		Sent: sent, Acknowledged: all.count, Elapsed: elapsed,
		P50: all.quantile(0.5), P99: all.quantile(0.99), Max: all.max,
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

func dial(ctx context.Context, opts *Options, i int) (*client, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", opts.Broker)
	if err != nil {
		return nil, err
	}
	c := newClient(conn, opts, i)
	if _, err := conn.Write(appendConnect(nil, "load-"+strconv.Itoa(i), opts.Username, opts.Password)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if err := readConnack(conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return c, nil
}
