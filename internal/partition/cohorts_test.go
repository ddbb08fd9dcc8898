package partition

import (
	"fmt"
	"testing"
	"time"

	"telltale/devices"
	"telltale/rules"
)

// otherPartition is what another partition knows of fridges of the same model
// in the hour after midnight.
func otherPartition(t *testing.T, when string) []byte {
	t.Helper()
	var subjects []*devices.Device
	var reports []devices.Report
	for i := range 9 {
		id := devices.ID(fmt.Sprintf("other-%d", i))
		subjects = append(subjects, &devices.Device{ID: id, Model: "FR"})
		reports = append(reports, devices.Report{
			Device: id, ObservedAt: midnight, ReceivedAt: midnight,
			Readings: []devices.Reading{{Metric: "temperature", Value: devices.Number(4 + float64(i)/10)}},
		})
	}
	model := &devices.Model{ID: "FR", Metrics: map[string]devices.Metric{"temperature": {Name: "temperature", Unit: "Cel"}}}
	set, err := rules.Compile([]rules.Rule{{ID: "warm", Version: 1, When: when}}, devices.NewDirectory(1, []*devices.Model{model}, subjects))
	if err != nil {
		t.Fatal(err)
	}
	engine := rules.NewEngine(set)
	engine.Apply(reports, midnight, nil)
	engine.Tick(midnight.Add(time.Hour))
	return engine.ShareCohorts(nil)
}

// TestWhatOtherPartitionsToldIsSavedBeforeItDecides restarts a worker that has
// decided by the devices of another partition, which have gone silent since:
// what it decided, it decides again.
func TestWhatOtherPartitionsToldIsSavedBeforeItDecides(t *testing.T) {
	t.Parallel()
	const when = `cohort_z(temperature, "24h") > 3`
	log, l := openLog(t), newLedger()
	l.others = [][]byte{otherPartition(t, when)}
	say(t, log, 0, 9)
	stop := run(t, newWorker(t, log, l, when))
	l.awaitThat(t, "a snapshot with what others told", func([]string) bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.cohorts != nil && l.snapshot.Seq == 1
	})
	l.mu.Lock()
	killed := l.snapshot // what a kill would leave behind
	l.mu.Unlock()
	say(t, log, 60, repeat(9, 12)...)
	l.awaitLine(t, "raised fridge-1 01:10")
	_ = stop()

	l.mu.Lock()
	l.snapshot, l.others = killed, nil
	l.open = []rules.OpenAlarm{{Key: rules.Key{Rule: "warm", Subject: rules.Subject{Type: "device", ID: "fridge-1"}}, Mode: rules.Live}}
	l.mu.Unlock()
	stop = run(t, newWorker(t, log, l, when))
	say(t, log, 72, 4)
	l.awaitLine(t, "cleared fridge-1 01:12")
	_ = stop()
	if got := l.lines(); len(got) != 2 {
		t.Errorf("effects %q", got)
	}
}
