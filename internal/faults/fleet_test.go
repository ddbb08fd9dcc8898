package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"telltale/internal/gatewaytest"
)

// Each device reports once a minute by its own clock, far faster by ours, and
// breaches its limit for part of each period, each device at another time: at
// any moment some alarm is pending, some are active and some ending.
const (
	period  = 120 // reports
	breach  = 40
	onDelay = 10

	devicesOfFleet = 10
	window         = 8 // unacknowledged messages of a device
	pace           = 30 * time.Millisecond

	// ackPatience is when a device gives a connection up that acknowledges
	// nothing, and sends again over another.
	ackPatience = 4 * time.Second
	reconnect   = 100 * time.Millisecond
)

func breaches(device, round int) bool { return (round+7*device)%period < breach }

// fleet is devices that publish for the time of one fault.
type fleet struct {
	name   string
	start  time.Time
	broker string
	things []*thing

	forgetful bool // the broker is harmed so that it may lose what it acknowledged

	finished chan struct{} // closed: publish nothing new
	running  sync.WaitGroup
	cancel   context.CancelFunc

	acknowledged atomic.Int64
	breaks       atomic.Int64 // connections that ended, or were given up
	again        atomic.Int64 // messages sent once more
	longest      atomic.Int64 // ns from first sending a message to its acknowledgement
}

// thing is one device. Its state belongs to the goroutine that runs it.
type thing struct {
	fleet *fleet
	index int
	id    string
	sent  int // reports published at least once: 0..sent-1
	open  []unacknowledged
}

type unacknowledged struct {
	round int
	first time.Time
}

// launchFleet lets the devices of a name, which must be declared, publish to a
// broker until finish is called.
func launchFleet(t testing.TB, name, broker string, start time.Time) *fleet {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	f := &fleet{name: name, broker: broker, start: start, finished: make(chan struct{}), cancel: cancel}
	for i := range devicesOfFleet {
		d := &thing{fleet: f, index: i, id: deviceOf(name, i)}
		f.things = append(f.things, d)
		f.running.Go(func() { d.run(ctx) })
	}
	t.Cleanup(func() { cancel(); f.running.Wait() })
	return f
}

func deviceOf(fleet string, i int) string { return fmt.Sprintf("%s-%02d", fleet, i) }

// finish ends publishing and returns when all is acknowledged.
func (f *fleet) finish(t testing.TB) {
	t.Helper()
	close(f.finished)
	done := make(chan struct{})
	go func() { f.running.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(gatewaytest.Patience):
		f.cancel()
		<-done
		t.Fatalf("fleet %s waits in vain for acknowledgements", f.name)
	}
}

// sent is how many messages the fleet published; call it after finish.
func (f *fleet) sent() int {
	n := 0
	for _, d := range f.things {
		n += d.sent
	}
	return n
}

// awaitMore returns when up to so many further messages are acknowledged, a
// number drawn anew each time.
func (f *fleet) awaitMore(t testing.TB, r *rand.Rand, atMost int64) {
	t.Helper()
	moment := f.acknowledged.Load() + 20 + r.Int64N(atMost)
	gatewaytest.Await(t, "messages to be acknowledged", func() bool { return f.acknowledged.Load() >= moment })
}

// saw says what the fault looked like from a device.
func (f *fleet) saw() string {
	return fmt.Sprintf("%d connections broken, %d messages sent again, longest wait for an acknowledgement %s",
		f.breaks.Load(), f.again.Load(), time.Duration(f.longest.Load()).Round(10*time.Millisecond))
}

// run lives through connections until all is said and acknowledged.
func (d *thing) run(ctx context.Context) {
	for ctx.Err() == nil {
		if conn, err := dial(d.fleet.broker, d.id); err == nil {
			if d.live(ctx, conn) == nil {
				return
			}
			d.fleet.breaks.Add(1)
		}
		select {
		case <-time.After(reconnect):
		case <-ctx.Done():
		}
	}
}

var errNoAck = errors.New("no acknowledgement")

// live speaks over one connection and says why it ended; nil: all is done.
func (d *thing) live(ctx context.Context, conn *connection) error {
	acks, done, ended := make(chan uint16, window), make(chan struct{}), make(chan error, 1)
	go func() { ended <- conn.acknowledgements(acks, done) }()
	defer func() { close(done); _ = conn.Close() }()

	for _, u := range d.open {
		d.fleet.again.Add(1)
		if err := d.publish(conn, u.round, true); err != nil {
			return err
		}
	}
	tick := time.NewTicker(pace)
	defer tick.Stop()
	finished, silent := d.fleet.finished, time.NewTimer(ackPatience)
	defer silent.Stop()
	for {
		if finished == nil && len(d.open) == 0 {
			return nil
		}
		var next <-chan time.Time
		if finished != nil && len(d.open) < window {
			next = tick.C
		}
		select {
		case <-next:
			if len(d.open) == 0 {
				silent.Reset(ackPatience)
			}
			d.open = append(d.open, unacknowledged{d.sent, time.Now()})
			d.sent++
			if err := d.publish(conn, d.sent-1, false); err != nil {
				return err
			}
		case id := <-acks:
			d.settle(id)
			silent.Reset(ackPatience)
		case <-silent.C:
			if len(d.open) > 0 {
				return errNoAck
			}
		case err := <-ended:
			return err
		case <-finished:
			finished = nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// settle notes an acknowledgement.
func (d *thing) settle(id uint16) {
	i := slices.IndexFunc(d.open, func(u unacknowledged) bool { return packetID(u.round) == id })
	if i < 0 {
		return // of a message that was sent twice
	}
	wait := int64(time.Since(d.open[i].first))
	for old := d.fleet.longest.Load(); wait > old && !d.fleet.longest.CompareAndSwap(old, wait); {
		old = d.fleet.longest.Load()
	}
	d.open = slices.Delete(d.open, i, i+1)
	d.fleet.acknowledged.Add(1)
}

func packetID(round int) uint16 { return uint16(round%0xFFFF + 1) }

func (d *thing) publish(conn *connection, round int, again bool) error {
	payload, err := json.Marshal(report{
		TS: d.fleet.observedAt(round).UnixMilli(), Seq: uint64(round + 1),
		Values: map[string]float64{"temperature": temperature(d.index, round)},
	})
	if err != nil {
		return err
	}
	return conn.publish("telltale/"+d.id+"/telemetry", payload, packetID(round), again)
}

// report is the native payload.
type report struct {
	TS     int64              `json:"ts"`
	Seq    uint64             `json:"seq"`
	Values map[string]float64 `json:"values"`
}

func temperature(device, round int) float64 {
	if breaches(device, round) {
		return 9.5
	}
	return 5
}

func (f *fleet) observedAt(round int) time.Time {
	return f.start.Add(time.Duration(round) * time.Minute)
}

// episode is one alarm as it must come out, whatever happens.
type episode struct {
	Device          string
	Raised, Cleared time.Time // Cleared zero: active at the end
}

// episodes computes the alarms from what was published alone.
func (f *fleet) episodes() map[episode]int {
	want := make(map[episode]int)
	for _, d := range f.things {
		first := -1
		for round := range d.sent + 1 {
			if round < d.sent && breaches(d.index, round) {
				if first < 0 {
					first = round
				}
				continue
			}
			if first >= 0 && round-1-first >= onDelay {
				e := episode{Device: d.id, Raised: f.observedAt(first + onDelay)}
				if round < d.sent {
					e.Cleared = f.observedAt(round)
				}
				want[e]++
			}
			first = -1
		}
	}
	return want
}
