package faults

import (
	"strings"
	"testing"

	"telltale/ingest"
	"telltale/internal/gatewaytest"
)

// part is something outside the gateway that a fault can happen to.
type part struct {
	name        string
	kill        func(t *testing.T) // kill -9, and start again
	stop, start func()
	link        *link
}

// TestExternal lets faults happen to a gateway that has its broker, its log,
// its database and its readings elsewhere. They share it, so they happen one after the
// other.
func TestExternal(t *testing.T) {
	t.Parallel()
	w := newExternalWorld(t)
	parts := w.parts()
	fleets := []string{"redelivered", "big"}
	for _, p := range parts {
		fleets = append(fleets, p.name+"-killed", p.name+"-away")
	}
	w.begin(fleets...)

	for _, p := range parts {
		t.Run(p.name+" is killed", func(t *testing.T) { w.kill(t, p) })
		t.Run(p.name+" is away", func(t *testing.T) { w.away(t, p) })
	}
	t.Run("the broker redelivers everything", w.redeliver)
	t.Run("1 MB payloads", func(t *testing.T) {
		w.refuse(t, "payloads of 1 MB, through Mosquitto", "big", "telltale/big-00/telemetry", 1<<20, ingest.TooLarge)
	})
	w.end()
}

// TestConnectionsFallSilent blackholes what leads to the parts outside. It has a
// gateway of its own: nearly all of its time is the gateway's gatewaytest.Patience, in which
// the processors are free for the other tests.
func TestConnectionsFallSilent(t *testing.T) {
	t.Parallel()
	w := newExternalWorld(t)
	parts := w.parts()
	fleets := []string{"silent"}
	for _, p := range parts {
		fleets = append(fleets, p.name+"-silent")
	}
	w.begin(fleets...)

	if *long {
		for _, p := range parts {
			t.Run(p.name+" falls silent", func(t *testing.T) { w.silence(t, p.name+"-silent", p) })
		}
	}
	t.Run("everything falls silent", func(t *testing.T) { w.silence(t, "silent", parts...) })
	w.end()
}

// newExternalWorld returns a world with all of its parts outside.
func newExternalWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.database, w.stream, w.broker, w.influx = newDatabase(t), newNATS(t), newMosquitto(t), newInflux(t)
	return w
}

func (w *world) parts() []part {
	return []part{
		{
			name: "PostgreSQL", link: w.database.link,
			kill: func(t *testing.T) { killDatabase(t, w.database.dir) }, // its cluster starts it again
			stop: w.database.stop, start: w.database.start,
		},
		{
			name: "NATS", link: w.stream.link,
			kill: func(*testing.T) { w.stream.kill(); w.stream.start() },
			stop: w.stream.kill, start: w.stream.start,
		},
		{
			name: "Mosquitto", link: w.broker.link,
			kill: func(*testing.T) { w.broker.kill(); w.broker.start() },
			stop: w.broker.stop, start: w.broker.start,
		},
		{
			name: "InfluxDB", link: w.influx.link,
			kill: func(*testing.T) { w.influx.Kill(); w.influx.Restart() },
			stop: w.influx.Kill, start: w.influx.Restart,
		},
	}
}

// kill kills a part at random moments.
func (w *world) kill(t *testing.T, p part) {
	f := launchFleet(t, p.name+"-killed", w.devicesReach(), w.start)
	f.forgetful = p.name == "Mosquitto"
	for range times() {
		f.awaitMore(t, w.rand, 500)
		p.kill(t)
		before := w.broker.acknowledged()
		gatewaytest.Await(t, "the gateway to acknowledge again", func() bool { return w.broker.acknowledged() > before })
	}
	f.awaitMore(t, w.rand, 500)
	w.settle(t, p.name+": kill -9", f).conclude(t)
}

// away stops a part for a while.
func (w *world) away(t *testing.T, p part) {
	f := launchFleet(t, p.name+"-away", w.devicesReach(), w.start)
	f.awaitMore(t, w.rand, 500)
	p.stop()
	pass(t, away())
	p.start()
	f.awaitMore(t, w.rand, 500)
	w.settle(t, p.name+": away for "+away().String(), f).conclude(t)
}

// silence blackholes the connections to some parts, at once and for good. New
// ones pass, but the gateway must come to want them by itself.
func (w *world) silence(t *testing.T, fleet string, parts ...part) {
	f := launchFleet(t, fleet, w.devicesReach(), w.start)
	strikes := 1
	if *long {
		strikes = 3
	}
	for range strikes {
		f.awaitMore(t, w.rand, 500)
		for _, p := range parts {
			gatewaytest.Await(t, "a connection to "+p.name, func() bool { return p.link.fallSilent() > 0 })
		}
		for _, p := range parts {
			gatewaytest.Await(t, "a new connection to "+p.name, p.link.alive)
		}
	}
	f.awaitMore(t, w.rand, 500)
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	w.settle(t, "connections to "+strings.Join(names, ", ")+" half-open", f).conclude(t)
	for _, p := range parts {
		p.link.cut()
	}
}

// redeliver keeps the gateway's acknowledgements from the broker, again and
// again, so that it sends everything twice or more.
func (w *world) redeliver(t *testing.T) {
	f := launchFleet(t, "redelivered", w.devicesReach(), w.start)
	twice := 0
	for range times() {
		f.awaitMore(t, w.rand, 500)
		w.broker.hold(true)
		f.awaitMore(t, w.rand, 500)
		twice += w.broker.hold(false)
		w.broker.link.cut()
	}
	f.awaitMore(t, w.rand, 500)
	a := w.settle(t, "broker redelivers everything", f)
	if twice == 0 {
		t.Error("nothing was redelivered")
	}
	a.conclude(t)
}
