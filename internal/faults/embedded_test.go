package faults

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"telltale/ingest"
	"telltale/internal/gatewaytest"
)

// TestEmbedded lets faults happen to a gateway that has everything in itself:
// broker, log and database. They share it, so they happen one after the other.
func TestEmbedded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.begin("killed", "away", "database", "silent", "again", "big", "brittle")

	t.Run("the gateway is killed", func(t *testing.T) {
		f := launchFleet(t, "killed", w.devicesReach(), w.start)
		for range times() {
			f.awaitMore(t, w.rand, 1000)
			w.gateway.kill()
			w.gateway.start()
		}
		f.awaitMore(t, w.rand, 1000)
		w.settle(t, "gateway: kill -9", f).conclude(t)
	})
	t.Run("the gateway is away", func(t *testing.T) {
		f := launchFleet(t, "away", w.devicesReach(), w.start)
		f.awaitMore(t, w.rand, 1000)
		w.gateway.stop()
		pass(t, away())
		w.gateway.start()
		f.awaitMore(t, w.rand, 1000)
		w.settle(t, "gateway: away for "+away().String(), f).conclude(t)
	})
	t.Run("its own database is killed", func(t *testing.T) {
		f := launchFleet(t, "database", w.devicesReach(), w.start)
		for range times() {
			f.awaitMore(t, w.rand, 1000)
			killDatabase(t, filepath.Join(w.dir, "postgres"))
			w.db().Close()
		}
		f.awaitMore(t, w.rand, 1000)
		w.settle(t, "embedded PostgreSQL: kill -9", f).conclude(t)
	})
	t.Run("connections of devices fall silent", w.silenceDevices)
	t.Run("devices send everything again", w.sendAgain)
	t.Run("1 MB payloads", func(t *testing.T) {
		w.refuse(t, "payloads of 1 MB", "big", "telltale/big-00/telemetry", 1<<20, ingest.TooLarge)
	})
	t.Run("a codec panics", func(t *testing.T) {
		w.refuse(t, "a codec that panics", "brittle", "brittle/brittle-00", 100, ingest.Malformed)
	})
	w.end()
}

// silenceDevices blackholes the connections of devices. They notice by their
// own patience, and come again under the same client id.
func (w *world) silenceDevices(t *testing.T) {
	link := newLink(t, "tcp", w.mqtt)
	f := launchFleet(t, "silent", link.addr(), w.start)
	for range times() {
		f.awaitMore(t, w.rand, 500)
		if link.fallSilent() == 0 {
			t.Error("no device was connected")
		}
		gatewaytest.Await(t, "a device to connect again", link.alive)
	}
	f.awaitMore(t, w.rand, 500)
	w.settle(t, "connections of devices half-open", f).conclude(t)
}

// sendAgain keeps acknowledgements from the devices and cuts them off, so that
// they send what is stored already.
func (w *world) sendAgain(t *testing.T) {
	var holding atomic.Bool
	var held atomic.Int64
	link := newTappedLink(t, "tcp", w.mqtt, func(_ *passage, fromServer bool, p packet) bool {
		if _, ok := p.acknowledged(); !ok || !fromServer || !holding.Load() {
			return true
		}
		held.Add(1)
		return false
	})
	f := launchFleet(t, "again", link.addr(), w.start)
	twice := int64(0)
	for range times() {
		f.awaitMore(t, w.rand, 500)
		held.Store(0)
		holding.Store(true)
		gatewaytest.Await(t, "messages to be sent in vain", func() bool { return held.Load() >= devicesOfFleet*window/2 })
		twice += held.Load()
		link.cut()
		holding.Store(false)
	}
	f.awaitMore(t, w.rand, 500)
	a := w.settle(t, "acknowledgements lost, devices send again", f)
	a.Saw = fmt.Sprintf("%d acknowledgements lost, %s", twice, a.Saw)
	a.conclude(t)
}
