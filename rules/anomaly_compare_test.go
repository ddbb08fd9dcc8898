//go:build !race

// Arithmetic of one goroutine on millions of readings: the race detector has
// nothing to find here and makes it take ten times as long.

package rules

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func scoresOf(c candidate, s labelled) []float64 {
	scores := make([]float64, len(s.value))
	for i := range scores {
		scores[i] = c.step(s.at[i], s.value[i])
	}
	return scores
}

// onsets are the readings at which an alarm would be raised that clears after
// two hours below the threshold.
func onsets(s labelled, scores []float64, threshold float64) []int {
	const off = int64(2 * time.Hour)
	var raised []int
	last := int64(math.MinInt64 / 2)
	for i, score := range scores {
		if !(score >= threshold) {
			continue
		}
		if s.at[i]-last > off {
			raised = append(raised, i)
		}
		last = s.at[i]
	}
	return raised
}

// nabOfAlarms is the benchmark's score when each alarm counts as one
// detection, where it is raised. By readings, one long alarm in the wrong
// place costs more than all windows are worth.
func nabOfAlarms(s labelled, scores []float64, threshold float64) float64 {
	alone := make([]float64, len(scores))
	for _, i := range onsets(s, scores, threshold) {
		alone[i] = 1
	}
	return nabScore(s, alone, 1)
}

// bestThreshold is the threshold that a series, taken for itself, asks for.
func bestThreshold(s labelled, scores []float64) float64 {
	known := slices.DeleteFunc(slices.Clone(scores[nabProbation(len(scores)):]), func(v float64) bool { return v != v })
	slices.Sort(known)
	slices.Reverse(known)
	threshold, best := 0.0, math.Inf(-1)
	for k := 0; k < len(known); k += 1 + k/20 {
		if got := nabOfAlarms(s, scores, known[k]); got > best {
			threshold, best = known[k], got
		}
	}
	return threshold
}

// seriesFigures is how a detector does on a labelled series, in plain words.
type seriesFigures struct {
	found       int
	falseAlarms float64 // per month
	leads       []string
}

func judgeSeries(s labelled, scores []float64, threshold float64) seriesFigures {
	var f seriesFigures
	probation := nabProbation(len(s.value))
	outside := 0
	for _, i := range onsets(s, scores, threshold) {
		inside := slices.ContainsFunc(s.windows, func(w labelledWindow) bool { return i >= w.first && i <= w.last })
		if i >= probation && !inside {
			outside++
		}
	}
	f.falseAlarms = float64(outside) / hours(s.at[len(s.at)-1]-s.at[probation]) * 24 * 30
	for _, w := range s.windows {
		lead := "-"
		for i := w.first; i <= w.last; i++ {
			if scores[i] >= threshold {
				f.found++
				lead = fmt.Sprintf("%+.0f", hours(s.at[w.middle()]-s.at[i]))
				break
			}
		}
		f.leads = append(f.leads, lead)
	}
	return f
}

func (f seriesFigures) String() string {
	return fmt.Sprintf("%d of %d, %.1f false a month, lead %s h", f.found, len(f.leads), f.falseAlarms, strings.Join(f.leads, " "))
}

// candidateScores are what one candidate makes of all the data.
type candidateScores struct {
	namedCandidate
	machine, ambient []float64
	fleet            [][]float64
}

// usualThreshold is the excess at which anomaly() is 0.9.
const usualThreshold = 1

// TestAnomalyDetectorsCompared prints the tables of docs/benchmarks/anomaly.md
// and holds the chosen detector to what they say.
func TestAnomalyDetectorsCompared(t *testing.T) {
	t.Parallel()
	machine := nabSeries(t, "machine_temperature_system_failure.csv")
	ambient := nabSeries(t, "ambient_temperature_system_failure.csv")
	fleet := faultyFleet()
	considered := candidates()
	if !testing.Verbose() {
		considered = considered[len(considered)-1:] // the losers, and the tables, take most of the time
	}
	var all []candidateScores
	for _, c := range considered {
		s := candidateScores{namedCandidate: c, machine: scoresOf(c.make(), machine), ambient: scoresOf(c.make(), ambient)}
		for _, u := range fleet {
			s.fleet = append(s.fleet, scoresOf(c.make(), u.labelled))
		}
		all = append(all, s)
	}
	if testing.Verbose() {
		logSeries(t, machine, ambient, all)
		logFleet(t, machine, fleet, all)
	}

	last := all[len(all)-1]
	for _, c := range []struct {
		series labelled
		scores []float64
		nab    float64
		most   float64 // false alarms a month
	}{{machine, last.machine, 95, 0.5}, {ambient, last.ambient, 70, 1}} {
		got := judgeSeries(c.series, c.scores, usualThreshold)
		if nab := nabOfAlarms(c.series, c.scores, usualThreshold); got.found != len(c.series.windows) || got.falseAlarms > c.most || nab < c.nab {
			t.Errorf("%s: %s, NAB %.1f", c.series.name, got, nab)
		}
	}
	if got := judgeFleet(fleet, last.fleet, usualThreshold); got.falseAlarms > 0.05 {
		t.Errorf("%.2f false alarms per cabinet and month", got.falseAlarms)
	} else {
		for _, f := range fleetFaults()[1:] {
			if len(got.delays[f.Kind]) != got.units[f.Kind] {
				t.Errorf("%s: %d of %d found", f.Kind, len(got.delays[f.Kind]), got.units[f.Kind])
			}
		}
	}
}

func logSeries(t *testing.T, machine, ambient labelled, all []candidateScores) {
	t.Helper()
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("| detector | NAB machine, own threshold | NAB ambient, own | NAB ambient, threshold of machine | NAB machine, threshold of ambient | by readings, own: machine, ambient |")
	line("|---|--:|--:|--:|--:|--:|")
	for _, c := range all {
		m, a := bestThreshold(machine, c.machine), bestThreshold(ambient, c.ambient)
		line("| %s | %.1f | %.1f | %.1f | %.1f | %.0f, %.0f |", c.name,
			nabOfAlarms(machine, c.machine, m), nabOfAlarms(ambient, c.ambient, a),
			nabOfAlarms(ambient, c.ambient, m), nabOfAlarms(machine, c.machine, a),
			nabScore(machine, c.machine, m), nabScore(ambient, c.ambient, a))
	}
	last := all[len(all)-1]
	line("| `anomaly() > 0.9` | %.1f | %.1f | | | %.0f, %.0f |",
		nabOfAlarms(machine, last.machine, usualThreshold), nabOfAlarms(ambient, last.ambient, usualThreshold),
		nabScore(machine, last.machine, usualThreshold), nabScore(ambient, last.ambient, usualThreshold))
	line("")
	line("| detector | machine, threshold of ambient | ambient, threshold of machine |")
	line("|---|---|---|")
	for _, c := range all {
		m, a := bestThreshold(machine, c.machine), bestThreshold(ambient, c.ambient)
		line("| %s | %s | %s |", c.name, judgeSeries(machine, c.machine, a), judgeSeries(ambient, c.ambient, m))
	}
	line("| `anomaly() > 0.9` | %s | %s |", judgeSeries(machine, last.machine, usualThreshold), judgeSeries(ambient, last.ambient, usualThreshold))
	t.Log("\n" + b.String())
}

func logFleet(t *testing.T, machine labelled, fleet []*faultyUnit, all []candidateScores) {
	t.Helper()
	var b strings.Builder
	b.WriteString("| detector | false alarms |")
	for _, f := range fleetFaults()[1:] {
		fmt.Fprintf(&b, " %s |", f.Kind)
	}
	b.WriteString("\n|---|--:|" + strings.Repeat("--:|", len(fleetFaults())-1) + "\n")
	row := func(name string, got fleetFigures) {
		fmt.Fprintf(&b, "| %s | %.2f |", name, got.falseAlarms)
		for _, f := range fleetFaults()[1:] {
			fmt.Fprintf(&b, " %d, %.1f h |", len(got.delays[f.Kind]), got.median(f.Kind))
		}
		b.WriteString("\n")
	}
	for _, c := range all {
		row(c.name, judgeFleet(fleet, c.fleet, bestThreshold(machine, c.machine)))
	}
	row("`anomaly() > 0.9`", judgeFleet(fleet, all[len(all)-1].fleet, usualThreshold))
	t.Log("\n" + b.String())
}

func TestTheScoreOfTheBenchmark(t *testing.T) {
	t.Parallel()
	s := labelled{value: make([]float64, 1000), windows: []labelledWindow{{400, 499}, {700, 799}}}
	score := func(detected ...int) float64 {
		scores := make([]float64, len(s.value))
		for _, i := range detected {
			scores[i] = 1
		}
		return nabScore(s, scores, 1)
	}
	for _, c := range []struct {
		name     string
		detected []int
		want     float64
	}{
		{"nothing is zero", nil, 0},
		{"the first reading of each window is perfect", []int{400, 700}, 100},
		{"only the best of a window counts", []int{400, 450, 499, 700}, 100},
		{"one window of two", []int{400}, 50},
		{"what comes in the probation does not count", []int{149}, 0},
		{"before the first window a false alarm costs its whole weight", []int{150}, -100 * 0.11 / 4},
		{"far behind a window as well", []int{400, 699}, 50 - 100*0.11*0.9999/4},
		{"just behind a window next to nothing", []int{400, 500}, 50 - 100*0.11*0.0252/4},
		{"the end of a window is worth half of its start, since it is not missed", []int{499}, 25 * (1 + 0.0250/0.9866)},
	} {
		if got := score(c.detected...); math.Abs(got-c.want) > 0.02 {
			t.Errorf("%s: %.3f, want %.3f", c.name, got, c.want)
		}
	}
}
