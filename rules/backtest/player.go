package backtest

import (
	"context"
	"strings"
	"time"

	"telltale/devices"
	"telltale/rules"
)

// player drives an engine along readings and keeps the alarms of each variant.
type player struct {
	engine   *rules.Engine
	variants []*variant
	open     map[string]place // alarm id to its place
	progress func(Progress)
	done     Progress

	reports  []devices.Report
	readings []devices.Reading // of the reports, in one piece

	first, last time.Time // of the instants played
	kept, most  int       // alarms of all variants, and how many there may be
	suppressed  int64     // alarms of the rules on trial, each time something new held one back
}

// place is where an alarm is kept.
type place struct {
	variant *variant
	alarm   int
}

// instants plays readings in order, all of one instant at a time.
func (p *player) instants(ctx context.Context, all *tape) error {
	for first, looked := 0, 0; first < len(all.points); {
		if first-looked >= checkEvery {
			if err := ctx.Err(); err != nil {
				return err
			}
			looked = first
			p.tell()
		}
		end := first + 1
		for end < len(all.points) && all.points[end].at == all.points[first].at {
			end++
		}
		p.instant(p.reportsOf(all, first, end), all.points[first].time())
		p.done.Played += int64(end - first)
		p.done.Share = float64(end) / float64(len(all.points))
		first = end
	}
	p.tell()
	return nil
}

// reportsOf makes one report for each device of an instant, which is a stretch
// of the tape.
func (p *player) reportsOf(all *tape, first, end int) []devices.Report {
	p.reports, p.readings = p.reports[:0], grown(p.readings, end-first)
	at := all.points[first].time()
	for i := first; i < end; i++ {
		r := &all.points[i]
		of := &all.series[r.series]
		if i == first || p.reports[len(p.reports)-1].Device != of.device {
			p.reports = append(p.reports, devices.Report{Device: of.device, ObservedAt: at, ReceivedAt: at})
		}
		report := &p.reports[len(p.reports)-1]
		if of.metric == faultsMetric {
			report.Faults = splitFaults(r.value)
			continue
		}
		from := len(p.readings) - len(report.Readings)
		p.readings = append(p.readings, devices.Reading{Metric: of.metric, Value: r.value})
		report.Readings = p.readings[from:]
	}
	return p.reports
}

// grown returns an empty slice with room for n, the old one if it will do.
func grown[T any](old []T, n int) []T {
	if cap(old) < n {
		return make([]T, 0, 2*n)
	}
	return old[:0]
}

// faultsMetric is the metric under which a file lists fault codes: "none", or
// codes joined by a plus.
const faultsMetric = "faults"

func splitFaults(v devices.Value) []string {
	if v.Label == "none" {
		return []string{}
	}
	return strings.Split(v.String(), "+")
}

// instant gives the engine what was said at one time, and the time before it
// as the gateway would have told it.
func (p *player) instant(reports []devices.Report, at time.Time) {
	if p.first.IsZero() {
		p.first = at
	}
	p.last = at
	p.pass(at.Add(-1))
	p.note(p.engine.Apply(reports, at, nil))
}

// pass lets time go by: the engine is told at each of its deadlines.
func (p *player) pass(until time.Time) {
	for {
		deadline, ok := p.engine.NextDeadline()
		if !ok || deadline.After(until) {
			return
		}
		p.note(p.engine.Tick(deadline))
	}
}

func (p *player) tell() {
	if p.progress != nil {
		p.progress(p.done)
	}
}

// note keeps the alarms up to date.
func (p *player) note(transitions []rules.Transition) {
	for i := range transitions {
		t := &transitions[i]
		if t.Change == rules.Suppressed {
			if p.variantOf(t.Key.Rule) == p.variants[0] {
				p.suppressed++
			}
			continue
		}
		if t.Change == rules.Raised {
			v := p.variantOf(t.Key.Rule)
			if v == nil {
				continue // played because others are held back by it
			}
			if p.kept++; p.kept > p.most {
				continue // said at the end
			}
			p.open[t.AlarmID] = place{v, len(v.alarms)}
			v.alarms = append(v.alarms, v.alarm(t))
		}
		at, known := p.open[t.AlarmID]
		if !known {
			continue
		}
		a := &at.variant.alarms[at.alarm]
		a.Severity, a.Occurrences = t.Severity.String(), t.Occurrences
		if t.Change == rules.Cleared {
			cleared := t.At
			a.ClearedAt = &cleared
			if at.variant.onTrial() {
				a.Explanation = append(a.Explanation, t.Explanation...)
			}
			delete(p.open, t.AlarmID)
		}
	}
}

// plain turns values into what JSON has: numbers and strings.
func plain(values map[string]devices.Value) map[string]any {
	all := make(map[string]any, len(values))
	for name, v := range values {
		if v.IsLabel() {
			all[name] = v.Label
		} else {
			all[name] = v.Number
		}
	}
	return all
}
