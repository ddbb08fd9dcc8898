package rules

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"telltale/devices"
)

// inPartition keeps the reports of every other device.
func inPartition(p int, reports []devices.Report) []devices.Report {
	var mine []devices.Report
	for _, r := range reports {
		if int(r.Device[len(r.Device)-1])%2 == p {
			mine = append(mine, r)
		}
	}
	return mine
}

// exchange lets two engines tell each other of their devices.
func exchange(t rapid.TB, a, b *Engine) {
	t.Helper()
	fromA, fromB := a.ShareCohorts(nil), b.ShareCohorts(nil)
	if err := a.UseCohorts([][]byte{fromB}); err != nil {
		t.Fatal(err)
	}
	if err := b.UseCohorts([][]byte{fromA}); err != nil {
		t.Fatal(err)
	}
}

func TestPartitionsTogetherKnowWhatOneWouldKnow(t *testing.T) {
	t.Parallel()
	set := cohortSet(t, 12, apart)
	rapid.Check(t, func(t *rapid.T) {
		whole, halves := NewEngine(set), [2]*Engine{NewEngine(set), NewEngine(set)}
		for _, one := range drawFleet(t) {
			whole.Tick(one.at)
			for _, half := range halves {
				half.Tick(one.at) // closes the slots
			}
			// Both must know each other before they take in what comes.
			exchangeKnown(t, halves)
			for key, want := range whole.cohorts {
				for p, half := range halves {
					got, ok := half.cohorts[key]
					if ok && (got.peers != want.peers || got.median != want.median || got.scale != want.scale) {
						t.Fatalf("partition %d at %s: %d devices around %v ± %v, want %d around %v ± %v",
							p, one.at, got.peers, got.median, got.scale, want.peers, want.median, want.scale)
					}
				}
			}
			whole.Apply(one.reports, one.at, nil)
			for p, half := range halves {
				half.Apply(inPartition(p, one.reports), one.at, nil)
			}
		}
	})
}

// exchangeKnown exchanges unless an engine has nothing to tell yet.
func exchangeKnown(t *rapid.T, halves [2]*Engine) {
	if len(halves[0].cohorts) > 0 && len(halves[1].cohorts) > 0 {
		exchange(t, halves[0], halves[1])
	}
}

func TestASnapshotKeepsWhatOtherPartitionsTold(t *testing.T) {
	t.Parallel()
	set := cohortSet(t, 12, `cohort_z(temperature, "24h") > 3`)
	halves := [2]*Engine{NewEngine(set), NewEngine(set)}
	round := func(n float64, hot float64) []devices.Report {
		var reports []devices.Report
		for i, id := range fleetIDs(12) {
			v := 4 + float64(i)/10
			if i == 0 {
				v = hot
			}
			reports = append(reports, reportOf(id, minute(n), map[string]any{"temperature": v}))
		}
		return reports
	}
	for p, half := range halves {
		half.Apply(inPartition(p, round(0, 4)), minute(0), nil)
		if got := half.Apply(inPartition(p, round(60, 9)), minute(60), nil); len(got) != 0 {
			t.Fatalf("five peers are too few: %+v", got)
		}
	}
	exchange(t, halves[0], halves[1])
	for range 3 {
		halves[0] = restored(t, halves[0], set)
	}
	got := halves[0].Apply(inPartition(0, round(61, 9)), minute(61), nil)
	if len(got) != 1 || got[0].Key.Subject.ID != "fridge-00" {
		t.Errorf("transitions %+v", got)
	}
}

func TestCohortsAreRefusedWhenDamagedAndLeftOutWhenOfOtherRules(t *testing.T) {
	t.Parallel()
	s := newFleetStory(t, 10, `cohort_z(temperature, "24h") > 3`)
	values := []float64{4, 4.5, 5, 5.5, 6, 6.5, 7, 7.5, 8, 8.5}
	s.round(0, values...)
	s.round(60, values...)
	shared := s.engine.ShareCohorts(nil)
	before := s.engine.Snapshot(nil)
	for n := range shared {
		if err := s.engine.UseCohorts([][]byte{shared, shared[:n]}); err == nil {
			t.Fatalf("accepted the first %d of %d bytes", n, len(shared))
		}
	}
	if err := s.engine.UseCohorts([][]byte{{9, 0}}); err == nil || err.Error() != "use cohorts: unknown format 9" {
		t.Errorf("error %v", err)
	}
	if !bytes.Equal(before, s.engine.Snapshot(nil)) {
		t.Error("the engine has changed")
	}

	other := newFleetStory(t, 10, `cohort_z(temperature, "12h") > 3`)
	other.round(0, values...)
	other.round(60, values...)
	if err := s.engine.UseCohorts([][]byte{other.engine.ShareCohorts(nil)}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, s.engine.Snapshot(nil)); diff != "" {
		t.Error("a window that this engine does not have was taken over")
	}
	if got := NewEngine(s.engine.Set()).ShareCohorts(nil); got != nil {
		t.Errorf("an engine that heard nobody tells %q", got)
	}
}

func FuzzUseCohorts(f *testing.F) {
	s := newFleetStory(f, 10, `cohort_z(temperature, "24h") > 3`)
	s.round(0, 4, 4.5, 5, 5.5, 6, 6.5, 7, 7.5, 8, 8.5)
	s.round(60, 4)
	f.Add(s.engine.ShareCohorts(nil))
	f.Fuzz(func(t *testing.T, shared []byte) {
		e := restored(t, s.engine, s.engine.Set())
		if e.UseCohorts([][]byte{shared}) != nil {
			return
		}
		e.Apply([]devices.Report{reportOf("fridge-00", minute(61), map[string]any{"temperature": 9})}, minute(61), nil)
		e.Tick(minute(3 * 24 * time.Hour.Minutes()))
		again := restored(t, e, e.Set())
		if !bytes.Equal(e.Snapshot(nil), again.Snapshot(nil)) {
			t.Error("the snapshot is not the state")
		}
	})
}
