package backtest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"telltale/devices"
	"telltale/rules"
)

// spell is an alarm of f1 in minutes: first breach, raise, end; an end of 0 is
// none.
func spell(rule string, device devices.ID, pending, raised, cleared int) Alarm {
	a := Alarm{RuleID: rule, Device: device, PendingSince: start.Add(time.Duration(pending) * time.Minute),
		RaisedAt: start.Add(time.Duration(raised) * time.Minute)}
	if cleared > 0 {
		at := start.Add(time.Duration(cleared) * time.Minute)
		a.ClearedAt = &at
	}
	return a
}

func TestAlarmsAreTheSameWhenTheirTimesOverlap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		trial, others []Alarm
		across        bool
		want          string
	}{
		{"nothing on either side", nil, nil, false, ""},
		{"only on trial", []Alarm{spell("r", "f1", 0, 1, 2)}, nil, false, "new f1 0"},
		{"only the others", nil, []Alarm{spell("r", "f1", 0, 1, 2)}, false, "gone f1 0"},
		{"at the same time", []Alarm{spell("r", "f1", 0, 1, 9)}, []Alarm{spell("r", "f1", 0, 1, 9)}, false, "same f1 0"},
		{"earlier", []Alarm{spell("r", "f1", 0, 1, 9)}, []Alarm{spell("r", "f1", 0, 5, 9)}, false, "same f1 4"},
		{"later", []Alarm{spell("r", "f1", 0, 7, 9)}, []Alarm{spell("r", "f1", 0, 5, 9)}, false, "same f1 -2"},
		{"over before the other is raised, in the same breach", []Alarm{spell("r", "f1", 0, 1, 3)}, []Alarm{spell("r", "f1", 0, 8, 9)}, false, "same f1 7"},
		{"they touch", []Alarm{spell("r", "f1", 0, 1, 3)}, []Alarm{spell("r", "f1", 3, 4, 9)}, false, "same f1 3"},
		{"one after the other", []Alarm{spell("r", "f1", 0, 1, 3)}, []Alarm{spell("r", "f1", 4, 5, 9)}, false, "new f1 0, gone f1 0"},
		{"other devices", []Alarm{spell("r", "f1", 0, 1, 9)}, []Alarm{spell("r", "f2", 0, 1, 9)}, false, "new f1 0, gone f2 0"},
		{"other rules", []Alarm{spell("r", "f1", 0, 1, 9)}, []Alarm{spell("q", "f1", 0, 1, 9)}, false, "gone f1 0, new f1 0"},
		{"across rules", []Alarm{spell("r", "f1", 0, 1, 9)}, []Alarm{spell("q", "f1", 0, 1, 9)}, true, "same f1 0"},
		{"a long one takes in two", []Alarm{spell("r", "f1", 0, 1, 20)}, []Alarm{spell("r", "f1", 0, 1, 5), spell("r", "f1", 8, 9, 15)}, false,
			"same f1 0, gone f1 0"},
		{"one becomes two", []Alarm{spell("r", "f1", 0, 1, 5), spell("r", "f1", 8, 9, 15)}, []Alarm{spell("r", "f1", 0, 1, 20)}, false,
			"same f1 0, new f1 0"},
		{"still active on both sides", []Alarm{spell("r", "f1", 0, 1, 0)}, []Alarm{spell("r", "f1", 50, 60, 0)}, false, "same f1 59"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := Compare(c.trial, c.others, c.across)
			var said []string
			for _, p := range got.Pairs {
				said = append(said, fmt.Sprintf("%s %s %v", p.Kind, p.Device, p.MinutesEarlier))
			}
			if text := strings.Join(said, ", "); text != c.want {
				t.Errorf("pairs %q, want %q", text, c.want)
			}
			if got.New+got.Same != len(c.trial) || got.Gone+got.Same != len(c.others) {
				t.Errorf("counts %+v do not add up", got)
			}
		})
	}
}

func TestARunIsComparedWithWhatIsLive(t *testing.T) {
	t.Parallel()
	live, trial := warm(), warm()
	trial.When, trial.For = "temperature > 6", 5*time.Minute
	// Two breaches: one that both see, one that only the lower limit sees.
	values := append(append(append(append(repeat(5, 4), repeat(20, 9)...), repeat(10, 4)...), repeat(10, 7)...), repeat(10, 4)...)
	got := run(t, Input{Rules: []rules.Rule{trial}, Against: []rules.Rule{live}, With: "version 1, live"}, minutes("f1", values...)...)
	c := got.Comparison
	if c == nil || c.New != 1 || c.Gone != 0 || c.Same != 1 || c.Earlier != 1 || c.Pairs[0].MinutesEarlier != 5 {
		t.Fatalf("comparison %+v", c)
	}
	if c.Figures.Alarms != 1 || got.Figures.Alarms != 2 || c.With != "version 1, live" {
		t.Errorf("figures %+v and %+v", got.Figures, c.Figures)
	}
	for _, a := range got.Alarms {
		if a.RuleID != "warm" || strings.Contains(strings.Join(a.Explanation, ""), markedBy) {
			t.Errorf("a variant shows through: %+v", a)
		}
	}
}

// TestVariantsAreWhatRunsOfTheirOwnWouldBe plays one rule under many limits at
// once, and each limit alone.
func TestVariantsAreWhatRunsOfTheirOwnWouldBe(t *testing.T) {
	t.Parallel()
	hold := rules.Rule{ID: "power", Version: 1, When: "power < 1"}
	swept := warm()
	swept.For, swept.InhibitedBy = 3*time.Minute, []rules.Inhibitor{{Rule: "power"}}
	lines := wander("f1", 3000)
	in := Input{Rules: []rules.Rule{swept}, Beside: []rules.Rule{hold}, Sweep: &Sweep{Place: "temperature >", Values: []float64{6, 7, 8, 9.5}}}
	got := run(t, in, lines...)
	if len(got.Sweep) != 4 {
		t.Fatalf("%d steps", len(got.Sweep))
	}
	different := 0
	for i, limit := range []string{"6", "7", "8", "9.5"} {
		alone := swept
		alone.When = "temperature > " + limit
		want := run(t, Input{Rules: []rules.Rule{alone}, Beside: []rules.Rule{hold}}, lines...)
		if got.Sweep[i].Figures != want.Figures || got.Sweep[i].Text != limit {
			t.Errorf("at %s: %+v, alone %+v", limit, got.Sweep[i], want.Figures)
		}
		if i > 0 && got.Sweep[i].Figures != got.Sweep[i-1].Figures {
			different++
		}
	}
	if different < 2 {
		t.Error("the limits make no difference: the test shows nothing")
	}
	free := swept
	free.InhibitedBy = nil
	if run(t, Input{Rules: []rules.Rule{free}}, lines...).Figures == got.Sweep[2].Figures {
		t.Error("the inhibitor makes no difference: it was not played")
	}
}

// wander is a temperature that goes up and down, with cuts of the power.
func wander(device string, n int) []string {
	var lines []string
	for i := range n {
		at := start.Add(time.Duration(i) * time.Minute).Format(time.RFC3339)
		temperature := 7 + 4*float64((i*i/7)%60-30)/30 + float64(i%13)/10
		power := 100
		if i%400 < 60 {
			power = 0
		}
		lines = append(lines, fmt.Sprintf("%s,%s,power,%d", at, device, power), fmt.Sprintf("%s,%s,temperature,%.2f", at, device, temperature))
	}
	return lines
}
