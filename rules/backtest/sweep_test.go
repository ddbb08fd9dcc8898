package backtest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/rules"
)

func TestASweepIsReadAsPeopleWriteIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want Sweep
	}{
		{"temperature > 7..12 step 1", Sweep{Place: "temperature >", Values: []float64{7, 8, 9, 10, 11, 12}}},
		{"temperature > 7..9", Sweep{Place: "temperature >", Values: []float64{7, 8, 9}}},
		{"temperature>7.2..7.5 step 0.1", Sweep{Place: "temperature>", Values: []float64{7.2, 7.3, 7.4, 7.5}}},
		{"temperature > -20..-18", Sweep{Place: "temperature >", Values: []float64{-20, -19, -18}}},
		{"fridge-warm: temperature > 7, 9, 9", Sweep{Rule: "fridge-warm", Place: "temperature >", Values: []float64{7, 9}}},
		{`avg(temperature, "10m") >= 7..8`, Sweep{Place: `avg(temperature, "10m") >=`, Values: []float64{7, 8}}},
		{"temperature > degF(40..44 step 2)", Sweep{Place: "temperature > degF(", Values: []float64{40, 42, 44}}},
		{"for 5m..15m step 5m", Sweep{Place: "for", Values: []float64{300, 600, 900}}},
		{"warm: clear_for 0s, 1h", Sweep{Rule: "warm", Place: "clear_for", Values: []float64{0, 3600}}},
	} {
		got, err := ParseSweep(c.text)
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%q: %v (-want +got):\n%s", c.text, err, diff)
		}
	}
}

func TestASweepThatCannotBeReadIsRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                "a sweep is the condition with a range",
		"temperature > 8":                 "a sweep is the condition with a range",
		"7..12":                           "a sweep is the condition with a range",
		"temperature > 9..7":              "is not a range that rises",
		"temperature > 7..9 step 0":       "is not a range that rises",
		"temperature > 7..9 step -1":      "is not a range that rises",
		"temperature > 0..1000 step 0.01": "from one to 100 values",
		"for 5..10":                       `"5" is not a time such as 10m`,
		"temperature > 5m..10m":           `"5m" is not a number`,
	} {
		if _, err := ParseSweep(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestASweepOfNoPlaceNamesThePlacesThereAre(t *testing.T) {
	t.Parallel()
	two := []rules.Rule{{ID: "a", When: "temperature > 8 or power < 1"}, {ID: "b", When: `temperature > 8 and fault("E1")`}}
	for name, c := range map[string]struct {
		sweep Sweep
		want  string
	}{
		"no such number":    {Sweep{Place: "pressure >"}, `no condition compares a number with "pressure >"; there are "a: temperature >", "a: power <", "b: temperature >"`},
		"in two rules":      {Sweep{Place: "temperature >"}, `"temperature >" stands in more than one place: name the rule`},
		"no such rule":      {Sweep{Rule: "c", Place: "temperature >"}, "there is no rule c with a number to sweep"},
		"a delay of which?": {Sweep{Place: "for"}, `"for" stands in more than one place`},
		"no value":          {Sweep{Rule: "a", Place: "power <", Values: []float64{}}, "from one to 100 values"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.sweep.Values == nil {
				c.sweep.Values = []float64{1, 2}
			}
			_, err := Run(t.Context(), Input{Rules: two, Sweep: &c.sweep}, ReadCSV(strings.NewReader("time,device,metric,value\n")))
			var input *InputError
			if !errors.As(err, &input) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestASweepSaysTheUnitOfItsNumbers(t *testing.T) {
	t.Parallel()
	model := &devices.Model{ID: "FR", Metrics: map[string]devices.Metric{"temperature": {Name: "temperature", Unit: "Cel"}}}
	got := run(t, Input{Rules: []rules.Rule{warm()}, Models: []*devices.Model{model}, Sweep: &Sweep{Place: "temperature>", Values: []float64{8, 9}}},
		minutes("f1", 5, 9)...)
	if got.Sweep[0].Unit != "Cel" || got.Sweep[1].Text != "9" {
		t.Errorf("steps %+v", got.Sweep)
	}
	got = run(t, Input{Rules: []rules.Rule{warm()}, Models: []*devices.Model{model}, Sweep: &Sweep{Place: "for", Values: []float64{90, 600, 7200}}},
		minutes("f1", 5, 9)...)
	if got.Sweep[0].Text != "1m30s" || got.Sweep[1].Text != "10m" || got.Sweep[2].Text != "2h" {
		t.Errorf("steps %+v", got.Sweep)
	}
}

func TestFaultsOfAVariantAreToldOnceInTheRulesOwnName(t *testing.T) {
	t.Parallel()
	broken := warm()
	broken.When = "temperatur > 8"
	model := &devices.Model{ID: "FR", Metrics: map[string]devices.Metric{"temperature": {Name: "temperature"}}}
	_, err := Run(t.Context(), Input{Rules: []rules.Rule{broken}, Against: []rules.Rule{broken}, Models: []*devices.Model{model}, With: "live"},
		ReadCSV(strings.NewReader("time,device,metric,value\n")))
	if err == nil || strings.Count(err.Error(), "temperatur") != 2 || strings.Contains(err.Error(), markedBy) { // once, with its hint
		t.Errorf("error %q", err)
	}
}

func TestFiguresCountWhatATicketWouldBe(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	alarms := []Alarm{spell("plain", "f1", 0, 0, 10), spell("plain", "f1", 20, 20, 30), spell("latched", "f1", 0, 0, 10),
		spell("latched", "f1", 20, 20, 30), spell("latched", "f2", 20, 20, 30), spell("quiet", "f3", 0, 0, 60), spell("plain", "f4", 0, 0, 0)}
	all := map[string]rules.Rule{"plain": {}, "latched": {Latch: true}, "quiet": {Ticket: rules.TicketTemplate{None: true}}}
	got := FiguresOf(alarms, func(id string) (rules.Rule, bool) { r, ok := all[id]; return r, ok }, start, start.Add(14*day))
	want := Figures{Alarms: 7, Tickets: 5, Devices: 4, Minutes: 110 + 14*24*60, PerWeek: Rates{Alarms: 3.5, Tickets: 2.5, Minutes: 55 + 7*24*60}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("figures differ (-want +got):\n%s", diff)
	}
}

func FuzzParseSweep(f *testing.F) {
	for _, text := range []string{"temperature > 7..12 step 1", "r: t > 7, 8", "for 5m..30m step 5m", "t > degF(1..2)", "a: b: c 1..2"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSweep(text)
		if err != nil {
			return
		}
		if len(s.Values) == 0 || len(s.Values) > maxSteps || s.Place == "" {
			t.Errorf("%q became %+v", text, s)
		}
		_, _ = s.plan([]rules.Rule{warm()})
	})
}

func TestAValueOfASweepIsPutIntoARule(t *testing.T) {
	t.Parallel()
	rule := rules.Rule{ID: "warm", When: `temperature > 8 and avg(temperature, "10m") > 7`, For: time.Minute}
	for _, c := range []struct {
		sweep string
		value float64
		want  rules.Rule
		fault string
	}{
		{"temperature > 7..9", 9, rules.Rule{ID: "warm", When: `temperature > 9 and avg(temperature, "10m") > 7`, For: time.Minute}, ""},
		{"for 1m..9m step 2m", 300, rules.Rule{ID: "warm", When: rule.When, For: 5 * time.Minute}, ""},
		{"clear_for 0s, 2m", 120, rules.Rule{ID: "warm", When: rule.When, For: time.Minute, ClearFor: 2 * time.Minute}, ""},
		{"temperature < 7..9", 9, rule, `no condition compares a number with "temperature <"`},
	} {
		sweep, err := ParseSweep(c.sweep)
		if err != nil {
			t.Fatal(err)
		}
		got, err := sweep.At(rule, c.value)
		if c.fault == "" && err != nil || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
			t.Errorf("%s at %v: %v", c.sweep, c.value, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s at %v (-want +got):\n%s", c.sweep, c.value, diff)
		}
	}
}
