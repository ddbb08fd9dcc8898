package simulator_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/devices/shipments"
	"telltale/internal/declare"
	"telltale/rules"
	"telltale/rules/excursion"
	"telltale/simulator"
)

// demo is the demonstration's world and what its fleet says in four hours.
type demo struct {
	set       *declare.Set
	directory *devices.Directory
	reports   []devices.Report
}

func loadDemo(t *testing.T) demo {
	t.Helper()
	documents, err := simulator.Declarations("demo", start)
	if err != nil {
		t.Fatal(err)
	}
	var sources []declare.Source
	for _, d := range documents {
		sources = append(sources, declare.Source{Name: d.Name, Text: d.Text})
	}
	set, err := declare.ParseSources(sources...)
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Check(declare.Known{}); err != nil {
		t.Fatal(err)
	}
	story, err := simulator.Load("demo")
	if err != nil {
		t.Fatal(err)
	}
	return demo{
		set:       set,
		directory: devices.NewDirectory(1, set.Models, set.Devices),
		reports:   simulator.NewFleet(story, start).Step(start.Add(4 * time.Hour)),
	}
}

// believed leaves out what the gateway would put into quarantine, and says
// why it would.
func (d demo) believed() (reports []devices.Report, refused map[string]int) {
	refused = make(map[string]int)
	for _, r := range d.reports {
		model, ok := d.directory.ModelOf(r.Device)
		if !ok {
			refused["unknown "+string(r.Device)]++
			continue
		}
		wild := slices.ContainsFunc(r.Readings, func(x devices.Reading) bool {
			metric, known := model.Metrics[x.Metric]
			return !known || !metric.Believes(x.Value)
		})
		if wild {
			refused["impossible "+string(r.Device)]++
			continue
		}
		reports = append(reports, r)
	}
	return reports, refused
}

func TestTheDemoIsThirtyDevicesOfFourKindsInSevenLanguages(t *testing.T) {
	t.Parallel()
	d := loadDemo(t)
	languages := make(map[string]bool)
	for _, c := range d.set.Customers {
		languages[c.Language] = true
		if len(c.Contacts) == 0 || c.Record.ID == "" {
			t.Errorf("%s has no contact or CRM record", c.ID)
		}
	}
	got := fmt.Sprint(len(d.set.Devices), len(d.set.Models), len(languages), len(d.set.Shipments))
	if got != "30 4 7 3" {
		t.Errorf("devices, models, languages, shipments: %s", got)
	}
	for _, r := range d.set.Rules {
		if !r.Ticket.None && r.Mode == rules.Live && r.Ticket.Article == "" {
			t.Errorf("rule %s names no article", r.ID)
		}
	}
}

func TestTheDemoSendsSomethingToQuarantine(t *testing.T) {
	t.Parallel()
	_, refused := loadDemo(t).believed()
	if diff := cmp.Diff(map[string]int{"unknown fridge-99": 12, "impossible fridge-05": 1}, refused); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
}

// alarms plays the demo through the rules at its own speed and returns the
// raises and clears of live rules, in minutes after the start.
func (d demo) alarms(t *testing.T) []string {
	t.Helper()
	var declared []rules.Rule
	for _, r := range d.set.Rules {
		declared = append(declared, *r)
	}
	compiled, err := rules.Compile(declared, d.directory)
	if err != nil {
		t.Fatal(err)
	}
	engine := rules.NewEngine(compiled)
	reports, _ := d.believed()
	var lines []string
	for i := range reports {
		r := reports[i]
		r.ReceivedAt = start.Add(4*time.Hour + r.ObservedAt.Sub(start)/240)
		for _, change := range engine.Apply([]devices.Report{r}, r.ReceivedAt, func(int) string { return "" }) {
			if change.Mode == rules.Live && (change.Change == rules.Raised || change.Change == rules.Cleared) {
				lines = append(lines, fmt.Sprintf("%3.0fm %s %s %s",
					change.At.Sub(start).Minutes(), change.Key.Subject.ID, change.Key.Rule, change.Change))
			}
		}
	}
	return lines
}

func TestTheDemoTellsItsStory(t *testing.T) {
	t.Parallel()
	want := strings.TrimPrefix(`
  8m washer-02 drain-blocked raised
 31m freezer-02 power-lost raised
 36m reefer-01 refrigeration-stopped raised
 46m fridge-07 door-open raised
 51m fridge-07 door-open cleared
 56m freezer-02 power-lost cleared
 66m fridge-03 fridge-warm raised
 76m reefer-01 reefer-warm raised
 88m washer-02 drain-blocked cleared
103m fridge-06 compressor-fault raised
118m washer-04 water-cold raised
128m fridge-06 compressor-fault cleared
131m fridge-03 fridge-warm cleared
131m washer-05 water-leak raised
155m fridge-11 fan-blocked raised
165m washer-05 water-leak cleared
185m fridge-11 fan-blocked cleared
206m reefer-01 refrigeration-stopped cleared
220m freezer-05 freezer-warm raised
220m washer-04 water-cold cleared
230m fridge-10 fridge-warm raised`, "\n")
	got := strings.Join(loadDemo(t).alarms(t), "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alarms (-want +got):\n%s", diff)
	}
}

func TestTheDemosShipmentsEndAsTheyShould(t *testing.T) {
	t.Parallel()
	d := loadDemo(t)
	reports, _ := d.believed()
	verdicts := make(map[string]shipments.Verdict)
	for _, s := range d.set.Shipments {
		at := slices.IndexFunc(d.set.Profiles, func(p *shipments.StorageProfile) bool { return p.ID == s.Profile })
		trace := make(excursion.Trace)
		for _, r := range reports {
			for _, l := range s.Loggers {
				if l.Device == r.Device && len(r.Readings) > 0 {
					trace[l.Device] = append(trace[l.Device], excursion.Point{At: r.ObservedAt, C: r.Readings[0].Value.Number})
				}
			}
		}
		a := excursion.Assess(s, d.set.Profiles[at], trace, start.Add(4*time.Hour))
		verdicts[s.ID] = a.Verdict
		if s.ID == "S-9001" {
			usedUp := a.Budgets[0].UsedUpAt.Sub(start)
			if usedUp < time.Hour || usedUp > 150*time.Minute {
				t.Errorf("the budget of S-9001 is used up after %s, want within 2.5 hours", usedUp)
			}
		}
	}
	want := map[string]shipments.Verdict{"S-9001": shipments.Reject, "S-9002": shipments.Review, "S-9003": shipments.OK}
	if diff := cmp.Diff(want, verdicts); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
}
