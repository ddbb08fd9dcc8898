package faults

import (
	"testing"
)

// TestEmbedded lets faults happen to a gateway that has everything in itself:
// broker, log and database. They share it, so they happen one after the other.
func TestEmbedded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.begin("killed")

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
	w.end()
}
