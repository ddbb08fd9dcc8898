package rules

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"telltale/devices"
)

// drawRules makes up rules of everything that a device's own reports decide.
func drawRules(t *rapid.T) []Rule {
	all := make([]Rule, rapid.IntRange(1, 4).Draw(t, "rules"))
	for i := range all {
		r := Rule{
			ID: fmt.Sprintf("rule-%d", i), Version: 1, When: drawCondition(t), For: drawMinutes(t, "for"), ClearFor: drawMinutes(t, "clear_for"),
			Severity: rapid.SampledFrom([]Severity{Info, Minor}).Draw(t, "severity"), Latch: rapid.Bool().Draw(t, "latch"),
		}
		if rapid.IntRange(0, 2).Draw(t, "has clear_when") == 0 {
			r.ClearWhen = rapid.SampledFrom([]string{"temperature < 7", "not door_open", `avg(temperature, "4m") < 8`}).Draw(t, "clear_when")
		}
		for k := range i {
			if rapid.IntRange(0, 3).Draw(t, "inhibited") == 0 {
				r.InhibitedBy = append(r.InhibitedBy, Inhibitor{Rule: all[k].ID})
			}
		}
		if rapid.IntRange(0, 2).Draw(t, "chatters") == 0 {
			r.Chattering = Chattering{Times: rapid.IntRange(1, 3).Draw(t, "times"), Within: 15 * time.Minute, Quiet: 4 * time.Minute}
		}
		if rapid.IntRange(0, 2).Draw(t, "reopens") == 0 {
			r.ReopenWithin = 10 * time.Minute
		}
		r.Escalate = drawLadder(t)
		all[i] = r
	}
	return all
}

func drawCondition(t *rapid.T) string {
	return rapid.SampledFrom([]string{
		"temperature > 8", "temperature > 7", "door_open", `fault("E21")`, `mode == "defrost" or humidity > 80`,
		`avg(temperature, "5m") > 7.8`, `max(temperature, "3m") - min(temperature, "3m") > 1`, `delta(temperature, "6m") > 1`,
		`time_where(temperature > 8, "12m") > 90`, `count_where(temperature > 8, 3) >= 2`, `starts(door_open, "12m") > 1`,
		"since(door_open) < 120", `stddev(temperature, "8m") > 1`, `count(humidity, "10m") < 2`, "anomaly(temperature) > 0.5",
	}).Draw(t, "when")
}

func drawMinutes(t *rapid.T, label string) time.Duration {
	return time.Duration(rapid.SampledFrom([]int{0, 0, 1, 3, 7}).Draw(t, label)) * time.Minute
}

func drawLadder(t *rapid.T) []Escalation {
	var ladder []Escalation
	if rapid.IntRange(0, 2).Draw(t, "escalates by age") == 0 {
		ladder = append(ladder,
			Escalation{After: 4 * time.Minute, Severity: Major}, Escalation{After: 12 * time.Minute, Severity: Critical})
	}
	for range rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "steps") {
		ladder = append(ladder, Escalation{
			When: drawCondition(t), For: drawMinutes(t, "for of a step"), ClearFor: drawMinutes(t, "clear_for of a step"),
			Severity: rapid.SampledFrom([]Severity{Major, Critical}).Draw(t, "severity of a step"),
		})
	}
	return ladder
}

// Whatever the rules are, and whether reports come one by one out of order or
// as what a device has stored: the alarms are those of live delivery.
func TestAnyDeliveryUnderAnyRulesEndsInTheSameAlarms(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		deliver := drawDelivery
		if rapid.Bool().Draw(r, "stores") {
			deliver = drawStore
		}
		checkAnyDelivery(r, patient(t, propertyLateness, drawRules(r)...), drawLife(r, 40*time.Minute), deliver)
	})
}

// drawStore lets each device be away for less than the lateness now and then.
// When it is back it says how it is, and sends what it has kept as one batch,
// in whatever order.
func drawStore(t *rapid.T, life []devices.Report) []event {
	var all []event
	kept := map[devices.ID][]devices.Report{}
	since := map[devices.ID]time.Time{}
	flush := func(id devices.ID, at time.Time) {
		stored := rapid.Permutation(kept[id]).Draw(t, "order")
		for i := range stored {
			stored[i].ReceivedAt = at
		}
		if len(stored) > 0 {
			all = append(all, event{at, stored})
		}
		delete(kept, id)
	}
	for _, r := range life {
		id := r.Device
		if len(kept[id]) > 0 && r.ObservedAt.Sub(since[id]) >= propertyLateness-time.Second {
			flush(id, since[id].Add(propertyLateness-time.Second))
		}
		away := rapid.SampledFrom([]bool{false, true, true, true}).Draw(t, "away")
		if away {
			if len(kept[id]) == 0 {
				since[id] = r.ObservedAt
			}
			kept[id] = append(kept[id], r)
			continue
		}
		all = append(all, event{r.ObservedAt, []devices.Report{r}})
		flush(id, r.ObservedAt)
	}
	for _, id := range []devices.ID{fridgeID, "fridge-2"} {
		flush(id, since[id].Add(propertyLateness-time.Second))
	}
	slices.SortStableFunc(all, func(a, b event) int { return a.at.Compare(b.at) })
	return all
}

// What stood at the site and the gateway, and planned work, belong to the
// decision: to decide again without news finds it again.
func TestToDecideAgainUnderTheWholeLifeCycleChangesNothing(t *testing.T) {
	t.Parallel()
	set := patientSite(t, 20*time.Minute)
	rapid.Check(t, func(t *rapid.T) {
		e := NewEngine(set)
		for i, one := range drawHappenings(t) {
			one.play(e)
			for _, d := range sortedDevices(e) {
				decideAgain(t, e, d, i)
			}
		}
	})
}

// However late reports meet the rest of the life cycle: no two open alarms, no
// orphan, the counts of far-reaching alarms are right, and a restart at any
// point changes nothing.
func TestLateReportsDoNotBreakTheLifeCycle(t *testing.T) {
	t.Parallel()
	set := patientSite(t, 20*time.Minute)
	rapid.Check(t, func(t *rapid.T) {
		want, got := NewEngine(set), NewEngine(set)
		open, held := map[string]Transition{}, map[string]bool{}
		for i, one := range drawHappenings(t) {
			got = drawRestart(t, got, one.at)
			transitions := one.play(want)
			if diff := gocmp.Diff(transitions, one.play(got)); diff != "" {
				t.Fatalf("event %d differs (-without restart +with):\n%s", i, diff)
			}
			if err := checkLife(open, transitions); err != nil {
				t.Fatal(err)
			}
			checkStanding(t, want, open)
			checkHeld(t, want, held, transitions)
		}
		if !bytes.Equal(want.Snapshot(nil), got.Snapshot(nil)) {
			t.Fatal("states differ at the end")
		}
	})
}
