package rules

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
)

func TestAJournalGivesBackWhatItTook(t *testing.T) {
	t.Parallel()
	const at = 1_795_773_600_123_456_000
	p := &plan{modelPlan: &modelPlan{names: make([]string, 40)}, rules: make([]*bound, 300)}
	p.names[0], p.names[1], p.names[39] = "temperature", "mode", "humidity"
	number := func(slot int, f float64) accepted { return accepted{slot, devices.Number(f)} }
	for name, c := range map[string]struct {
		at       int64
		held     []int
		readings []accepted
		faults   []string // nil: not known
		size     int
	}{
		"three metrics":             {at: at, readings: []accepted{number(0, 4.37), number(39, 61), number(1, 0)}, size: 16},
		"nothing":                   {at: at, size: 8},
		"a text and no fault":       {at: at, readings: []accepted{{1, devices.Label("defrost")}}, faults: []string{}, size: 18},
		"faults":                    {at: at, faults: []string{"E21", "E9"}, size: 16},
		"held back by rules":        {at: at, held: []int{3, 299}, size: 12},
		"no short decimal":          {at: at, readings: []accepted{number(0, math.Pi), number(39, math.Inf(-1))}, size: 27},
		"a negative zero":           {at: at, readings: []accepted{number(0, math.Copysign(0, -1))}, size: 17},
		"finer than a microsecond":  {at: at + 7, readings: []accepted{number(0, 1)}, size: 12},
		"before the journal's time": {at: 86_400_000_000_000, readings: []accepted{number(0, -25.5)}, size: 12},
		"the beginning of time":     {at: 0, size: 9},
		"the end of time":           {at: latest, size: 9},
	} {
		j := &journal{log: []byte("before")}
		j.log = appendEntry(j.log, c.at, c.held, c.readings, c.faults != nil, c.faults)
		size := len(j.log) - len("before")
		j.log = append(j.log, "behind"...)
		var got entry
		after, err := j.next(p, len("before"), &got)
		if err != nil || after != len("before")+size {
			t.Errorf("%s: ends at %d, err %v", name, after, err)
		}
		want := entry{observed: c.at, held: c.held, report: devices.Report{Faults: c.faults}}
		for _, a := range c.readings {
			want.report.Readings = append(want.report.Readings, devices.Reading{Metric: p.names[a.slot], Value: a.value})
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(entry{}), cmp.Comparer(sameBits)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if size != c.size {
			t.Errorf("%s takes %d bytes, want %d", name, size, c.size)
		}
	}
}

func sameBits(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }
