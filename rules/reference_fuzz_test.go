package rules

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"telltale/devices"
)

func (r refReport) report() devices.Report {
	at := start.Add(time.Duration(r.at) * time.Second)
	report := devices.Report{Device: fridgeID, ObservedAt: at, ReceivedAt: at, Faults: r.faults}
	for _, name := range []string{"t", "u", "door", "mode", "raw"} {
		if v, ok := r.values[name]; ok {
			report.Readings = append(report.Readings, devices.Reading{Metric: name, Value: v})
		}
	}
	return report
}

// compileReference compiles conditions as rules of the reference's model; false
// when one is larger than a condition may be, or looks at nothing.
func compileReference(t *testing.T, conditions ...string) (*Set, bool) {
	var rules []Rule
	for i, condition := range conditions {
		rules = append(rules, Rule{ID: string(rune('a' + i)), When: condition})
	}
	directory := devices.NewDirectory(1, []*devices.Model{refModel()}, []*devices.Device{{ID: fridgeID, Model: "REF"}})
	set, err := Compile(rules, directory)
	if err == nil {
		return set, true
	}
	for line := range strings.Lines(err.Error()) {
		if !strings.Contains(line, tooManyParts) && !strings.Contains(line, "longer than") && !strings.Contains(line, "looks at nothing") {
			t.Fatalf("%s\nis refused: %v", conditions[0], err)
		}
	}
	return nil, false
}

// compareWithReference plays a history to the engine and to the reference and
// compares what they find after each report; and that what is equal by the
// laws of three-valued logic is found equal.
func compareWithReference(t *testing.T, bytes []byte) {
	d := &dice{bytes}
	a, b := d.condition(4, true), d.condition(2, true)
	w := d.history()
	set, ok := compileReference(t,
		a.text, b.text,
		"not ("+a.text+")",
		"not (("+a.text+") and ("+b.text+"))", "not ("+a.text+") or not ("+b.text+")",
		"("+b.text+") and ("+a.text+")",
	)
	if !ok {
		return
	}
	e := NewEngine(set)
	for i := range w {
		r := w[i].report()
		e.Apply([]devices.Report{r}, r.ReceivedAt, nil)
		dev := e.devices[fridgeID]
		now, _ := nanos(r.ReceivedAt)
		f := e.prepare(dev, dev.observed, now)
		found := make([]truth, len(dev.plan.rules))
		for k, one := range dev.plan.rules {
			found[k] = one.raises(f)
		}
		if want := a.value(w[:i+1]); found[0] != want {
			t.Fatalf("%s\nis %s after report %d, want %s\nhistory: %v", a.text, found[0], i, want, w[:i+1])
		}
		if want := b.value(w[:i+1]); found[1] != want {
			t.Fatalf("%s\nis %s after report %d, want %s\nhistory: %v", b.text, found[1], i, want, w[:i+1])
		}
		if found[2] != found[0].not() || found[3] != found[4] || found[3] != found[5].not() {
			t.Fatalf("a %s\nb %s\na, b, not a, not (a and b), not a or not b, b and a: %v", a.text, b.text, found)
		}
	}
}

func TestConditionsAgreeWithAPlainReading(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		bytes := make([]byte, 60+random.IntN(500))
		for i := range bytes {
			bytes[i] = byte(random.Uint32())
		}
		compareWithReference(t, bytes)
	}
}

func FuzzConditionsAgreeWithAPlainReading(f *testing.F) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		bytes := make([]byte, 300)
		for i := range bytes {
			bytes[i] = byte(random.Uint32())
		}
		f.Add(bytes)
	}
	f.Fuzz(compareWithReference)
}
