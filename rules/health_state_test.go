package rules

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
)

func TestAWindowThatHoldsMoreThanItsBoundIsShort(t *testing.T) {
	t.Parallel()
	// The windows are filled with every reading, and looked at only where the
	// rest of the condition leaves it open: a look sums them up.
	s := newStory(t,
		Rule{ID: "day", Version: 3, When: `temperature > 100 and avg(temperature, "24h") > 8`},
		Rule{ID: "hour", When: `temperature > 100 and avg(temperature, "1h") > 8`},
		Rule{ID: "ladder", When: "temperature > 8", Escalate: []Escalation{{When: `max(temperature, "12h") > 20`, Severity: Critical}}},
		Rule{ID: "humid", When: `avg(humidity, "24h") > 8`},
		Rule{ID: "often", When: `temperature > 100 and starts(temperature > 4, "24h") > 8`},
	)
	for n := range maxRingSize - 1 {
		s.report(float64(n)/60, map[string]any{"temperature": 4 + n%2}) // a second apart
	}
	if got := s.engine.Shortages(); len(got) != 0 {
		t.Errorf("before a window is full: %+v", got)
	}
	for n := maxRingSize - 1; n < 2*maxRingSize+10; n++ {
		s.report(float64(n)/60, map[string]any{"temperature": 4 + n%2})
	}
	const seconds = "sees only the last 4 h 33 min of fridge-1, which sent 16384 readings in that time; report less often, or shorten the window."
	want := []Shortage{
		{Rule: "day", Version: 3, Device: fridgeID, Reason: `avg(temperature, "24h") ` + seconds},
		{Rule: "ladder", Device: fridgeID, Reason: `max(temperature, "12h") ` + seconds},
		{Rule: "often", Device: fridgeID, Reason: `starts(temperature > 4, "24h") adds up only the latest 16384 stretches of fridge-1; shorten its time.`},
	}
	if diff := cmp.Diff(want, s.engine.Shortages()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for n := range 20 { // now it reports every minute, and the window empties
		s.report(1000+float64(n)*60, map[string]any{"temperature": 4})
	}
	if got := s.engine.Shortages(); len(got) != 0 {
		t.Errorf("after the window has emptied: %+v", got)
	}
}

func TestARuleThatWatchesNoDeviceIsIdle(t *testing.T) {
	t.Parallel()
	set, err := Compile([]Rule{
		{ID: "all", When: "temperature > 8"},
		{ID: "tagged", Version: 2, When: "temperature > 8", AppliesTo: Selector{Tags: map[string]string{"room": "lab"}}},
		{ID: "off", When: "temperature > 8", AppliesTo: Selector{Tags: map[string]string{"room": "lab"}}, Mode: Off},
	}, devices.NewDirectory(1, []*devices.Model{fridge()}, []*devices.Device{{ID: fridgeID, Model: "FR-200"}}))
	if err != nil {
		t.Fatal(err)
	}
	want := []Shortage{{Rule: "tagged", Version: 2, Reason: "No declared device has the models and tags that it applies to."}}
	if diff := cmp.Diff(want, set.Idle()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
