package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"telltale/internal/gatewaytest"
	"telltale/rules"
)

// siteFleet is a power meter and eight fridges at one site, spread over the
// partitions, and a fridge at another.
func siteFleet() string {
	var b strings.Builder
	b.WriteString(`
{kind: Model, id: FR-1, metrics: {temperature: {unit: Cel}}}
---
{kind: Model, id: PM-1, metrics: {volts: {unit: V}}}
---
{kind: Rule, id: power-lost, when: volts < 100, applies_to: {models: [PM-1]}, ticket: none}
---
kind: Rule
id: warm
when: temperature > 8
applies_to: {models: [FR-1]}
inhibited_by: [{rule: power-lost, scope: site}]
---
{kind: Device, id: meter, model: PM-1, site: Warsaw}
---
{kind: Device, id: far, model: FR-1, site: Gdansk}
`)
	for i := range 8 {
		fmt.Fprintf(&b, "---\n{kind: Device, id: fridge-%d, model: FR-1, site: Warsaw}\n", i)
	}
	return b.String()
}

// TestAPowerFailureIsOneAlarmForTheWholeSite: the meter's alarm holds back those
// of fridges in every partition, and what is still warm afterwards is told.
func TestAPowerFailureIsOneAlarmForTheWholeSite(t *testing.T) {
	t.Parallel()
	a := startGateway(t, nil)
	declareAll(t, a, siteFleet())
	warm := func() {
		for i := range 8 {
			submit(t, a, fmt.Sprintf("telltale/fridge-%d/telemetry", i), `{"values":{"temperature":9}}`)
		}
		submit(t, a, "telltale/far/telemetry", `{"values":{"temperature":9}}`)
	}
	volts := func(v int) { submit(t, a, "telltale/meter/telemetry", fmt.Sprintf(`{"values":{"volts":%d}}`, v)) }
	active := func() []string {
		var all []string
		for _, alarm := range alarmsOf(t, a) {
			if alarm.Active() {
				all = append(all, alarm.Key.Rule+" "+alarm.Key.Subject.ID)
			}
		}
		slices.Sort(all)
		return all
	}
	// told reports whether every other partition knows that the site is without
	// power, or that it is not.
	told := func(lost bool) bool {
		site := rules.Place{Rule: "power-lost", Scope: rules.SameSite, Group: "Warsaw"}
		for p := range a.log.Partitions() {
			if p == a.log.PartitionOf("meter") {
				continue
			}
			_, places, err := a.db.LoadInhibited(t.Context(), p, 0)
			if err != nil {
				t.Fatal(err)
			}
			if len(places) == 0 || slices.Contains(places[len(places)-1], site) != lost {
				return false
			}
		}
		return true
	}

	volts(0)
	gatewaytest.Await(t, "all partitions to hear of the power failure", func() bool { return told(true) })
	warm()
	gatewaytest.Await(t, "everything to be judged", func() bool { return caughtUp(t, a) })
	if got := active(); !slices.Equal(got, []string{"power-lost meter", "warm far"}) {
		t.Errorf("during the failure %q are active", got)
	}

	volts(230)
	gatewaytest.Await(t, "all partitions to hear of its end", func() bool { return told(false) })
	warm()
	gatewaytest.Await(t, "the fridges' alarms", func() bool { return len(active()) == 9 })
	for _, alarm := range alarmsOf(t, a) {
		if strings.HasPrefix(alarm.Key.Subject.ID, "fridge") && !strings.Contains(strings.Join(alarm.Explanation, " "), "while power-lost at site Warsaw was active") {
			t.Errorf("%s does not say what held it back: %q", alarm.Key, alarm.Explanation)
		}
	}
}
