package faults

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/internal/gatewaytest"
)

// crowd is how many devices come back in the same second, after a power cut in
// a town say.
const crowd = 10_000

// TestACrowdConnects lets a crowd of devices connect within a second, each with
// something to say. Those that are not answered try again, as devices do.
func TestACrowdConnects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.begin("beside")
	var text strings.Builder
	text.WriteString(model)
	for i := range crowd {
		declareDevice(&text, member(i), w.start)
	}
	w.declare(text.String())

	beside := launchFleet(t, "beside", w.devicesReach(), w.start)
	beside.awaitMore(t, w.rand, 100)
	began := time.Now()
	var tries, acknowledged atomic.Int64
	var everybody sync.WaitGroup
	stay := make(chan struct{}) // connected until the last one is
	for i := range crowd {
		everybody.Go(func() {
			<-time.After(time.Until(began.Add(time.Duration(i) * time.Second / crowd)))
			for deadline := time.Now().Add(gatewaytest.Patience); time.Now().Before(deadline); {
				tries.Add(1)
				if sayOnce(w.devicesReach(), i, w.start, func() {
					if acknowledged.Add(1) == crowd {
						close(stay)
					}
				}, stay) == nil {
					return
				}
				<-time.After(reconnect)
			}
		})
	}
	everybody.Wait()
	took := time.Since(began)

	a := w.settle(t, fmt.Sprintf("%d devices connect in one second", crowd), beside)
	a.Sent, a.Acknowledged = a.Sent+crowd, a.Acknowledged+int(acknowledged.Load())
	stored := w.awaitCrowd(t)
	a.Stored += stored
	a.Lost += crowd - stored
	a.Saw = fmt.Sprintf("all acknowledged after %s, %d attempts; beside them %s", took.Round(100*time.Millisecond), tries.Load(), a.Saw)
	a.conclude(t)
	w.end()
}

func member(i int) string { return fmt.Sprintf("crowd-%05d", i) }

// sayOnce connects, publishes one report, calls acknowledged and stays.
func sayOnce(address string, i int, at time.Time, acknowledged func(), stay <-chan struct{}) error {
	conn, err := dial(address, member(i))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	payload := fmt.Sprintf(`{"ts": %d, "values": {"temperature": 5}}`, at.UnixMilli())
	if err := conn.publish("telltale/"+member(i)+"/telemetry", []byte(payload), 1, false); err != nil {
		return err
	}
	_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	p, err := readPacket(conn.r)
	if err != nil {
		return err
	}
	if id, ok := p.acknowledged(); !ok || id != 1 {
		return fmt.Errorf("unexpected packet % x", p.raw)
	}
	acknowledged()
	select {
	case <-stay:
	case <-time.After(gatewaytest.Patience):
	}
	return nil
}

// awaitCrowd returns how many of the crowd's reports are stored, once each.
func (w *world) awaitCrowd(t *testing.T) int {
	t.Helper()
	db := w.db()
	defer db.Close()
	i := 0
	_ = gatewaytest.Eventually(look, func() bool {
		for ; i < crowd; i++ {
			stored, err := db.Range(t.Context(), history.Query{
				Device: devices.ID(member(i)), Metric: "temperature", From: w.start.Add(-time.Minute), To: w.start.Add(time.Minute),
			})
			if err != nil || len(stored) != 1 {
				return false
			}
		}
		return true
	})
	return i
}
