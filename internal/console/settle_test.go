package console

import (
	"context"
	"slices"
	"testing"

	"go.uber.org/zap"
	"pgregory.net/rapid"

	"telltale/tickets/outbox"
)

// TestSettledEventsAreInOrderAndComplete plays transactions that draw
// positions, commit in any order or roll back, against a reader that looks at
// any time.
func TestSettledEventsAreInOrderAndComplete(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		type transaction struct {
			id        uint64
			positions []int64
		}
		var running []transaction
		var visible []int64
		var nextID uint64 = 100
		var nextPosition int64 = 1
		s := settler{}
		var given []int64

		look := func() {
			snapshot := outbox.Snapshot{Oldest: nextID, Next: nextID}
			for _, tx := range running {
				snapshot.Oldest = min(snapshot.Oldest, tx.id)
			}
			var page []outbox.Event
			slices.Sort(visible)
			for _, p := range visible {
				if p > s.position {
					page = append(page, outbox.Event{Position: p})
				}
			}
			for _, e := range s.settle(page, snapshot) {
				given = append(given, e.Position)
			}
		}
		begin := func() {
			running = append(running, transaction{id: nextID})
			nextID++
		}
		// one draws a transaction that is under way; there is always one to draw.
		one := func(t *rapid.T) int {
			if len(running) == 0 {
				begin()
			}
			return rapid.IntRange(0, len(running)-1).Draw(t, "transaction")
		}
		t.Repeat(map[string]func(*rapid.T){
			"begin": func(*rapid.T) { begin() },
			"insert": func(t *rapid.T) {
				i := one(t)
				running[i].positions = append(running[i].positions, nextPosition)
				nextPosition++
			},
			"end": func(t *rapid.T) {
				i := one(t)
				if rapid.Bool().Draw(t, "commit") {
					visible = append(visible, running[i].positions...)
				}
				running = slices.Delete(running, i, i+1)
			},
			"look": func(*rapid.T) { look() },
			"": func(t *rapid.T) {
				if !slices.IsSorted(given) || len(slices.Compact(slices.Clone(given))) != len(given) {
					t.Fatalf("given out of order or twice: %v", given)
				}
			},
		})

		running = nil // all ended, the rest rolled back
		look()
		look() // the first look finds the gaps, the second that nobody can fill them
		slices.Sort(visible)
		if !slices.Equal(given, visible) {
			t.Fatalf("given %v, committed %v", given, visible)
		}
	})
}

func TestASlowClientIsDroppedAndTheOthersAreNot(t *testing.T) {
	t.Parallel()
	counts, err := newMetrics(nil)
	if err != nil {
		t.Fatal(err)
	}
	f := newFeed(nil, zap.NewNop(), counts)
	f.announce()
	slow, _, err := f.join(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	quick, _, err := f.join(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(clientBuffer + 1) {
		f.broadcast([]outbox.Event{{Position: i + 1}}, i+1)
		if e := <-quick.events; e.Position != i+1 {
			t.Fatalf("the quick client got %d, want %d", e.Position, i+1)
		}
	}
	var got int64
	for e := range slow.events { // closed by the feed
		got = e.Position
	}
	if got != clientBuffer {
		t.Errorf("the slow client got up to %d, want %d", got, clientBuffer)
	}
	f.leave(slow) // leaving twice is fine
	f.close()
	if _, open := <-quick.events; open {
		t.Error("a client outlived the feed")
	}
}
