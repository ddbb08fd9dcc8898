package partition

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/devices/shipments"
	"telltale/tickets/recalls"
)

// TestAReplayHasNoEffects restarts a worker whose snapshot is older than its
// checkpoint: alarms, trace points and judgements of shipments in between are
// committed already, and are decided again only to arrive at the same state.
func TestAReplayHasNoEffects(t *testing.T) {
	t.Parallel()
	log, l := openLog(t), newLedger()
	start := func() (stop func() error) {
		w := newWorker(t, log, l, "temperature > 8")
		travelling := *w.decl
		travelling.Watch = recalls.NewWatch(
			[]shipments.Shipment{{ID: "S-1", Profile: "2-8", DepartedAt: midnight,
				Loggers: []shipments.Logger{{Device: devices.ID("fridge-1"), From: midnight}}}},
			[]shipments.StorageProfile{{ID: "2-8"}})
		w.current = func() *Declarations { return &travelling }
		return run(t, w)
	}
	say(t, log, 0, append(repeat(9, 12), repeat(5, 3)...)...)
	stop := start()
	l.awaitLine(t, "point S-1 00:14")
	_ = stop()
	l.mu.Lock()
	l.snapshot = Snapshot{} // as after a kill: nothing was left behind
	l.mu.Unlock()
	before := l.lines()

	stop = start()
	say(t, log, 15, 5)
	l.awaitLine(t, "point S-1 00:15")
	_ = stop()

	after := l.lines()
	if diff := cmp.Diff(before, after[:len(before)]); diff != "" {
		t.Errorf("what was committed changed (-before +after)\n%s", diff)
	}
	seen := make(map[string]int)
	for _, line := range after {
		seen[line]++
	}
	for minute := range 16 {
		if line := fmt.Sprintf("point S-1 00:%02d", minute); seen[line] != 1 {
			t.Errorf("%q is committed %d times", line, seen[line])
		}
	}
	for _, line := range []string{"raised fridge-1 00:10", "cleared fridge-1 00:12"} {
		if seen[line] != 1 {
			t.Errorf("%q is committed %d times", line, seen[line])
		}
	}
}
