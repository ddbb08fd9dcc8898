package backtest

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"telltale/devices"
	"telltale/rules"
)

// Input is what a run works on.
type Input struct {
	Rules   []rules.Rule
	Models  []*devices.Model  // empty: one is inferred from the readings
	Devices []*devices.Device // those that are missing are inferred

	Maintenance []rules.Maintenance // during which nothing is raised

	// From and To bound the readings that are played: From <= time < To.
	// Zero: no bound.
	From, To time.Time
}

// Result is what the rules would have done.
type Result struct {
	Alarms     []Alarm   `json:"alarms"` // by RaisedAt, then device, then rule
	Readings   int64     `json:"readings"`
	Duplicates int64     `json:"duplicates"`
	Suppressed int64     `json:"suppressed"` // alarms that something held back, each time by something new
	Devices    int       `json:"devices"`
	From       time.Time `json:"from"` // of the first reading played; zero without one
	To         time.Time `json:"to"`   // of the last
	Assumed    []string  `json:"assumed,omitempty"`
}

// Alarm is one alarm that would have been raised.
type Alarm struct {
	RuleID       string         `json:"rule_id"`
	RuleVersion  int            `json:"rule_version"`
	Device       devices.ID     `json:"device"`
	Severity     string         `json:"severity"` // at the end, after escalations
	PendingSince time.Time      `json:"pending_since"`
	RaisedAt     time.Time      `json:"raised_at"`
	ClearedAt    *time.Time     `json:"cleared_at"` // null: still active at the end
	Occurrences  int64          `json:"occurrences"`
	Values       map[string]any `json:"values"` // numbers and texts, at the raise
	Explanation  []string       `json:"explanation"`
}

// checkEvery is how many readings go by between two looks at the context.
const checkEvery = 1 << 16

// Run plays readings, in any order, and returns the alarms that the rules
// raise. Rules that are switched off stay off; those in shadow count. The
// error is the readings', the rules' (see [rules.Compile]) or the context's.
func Run(ctx context.Context, in Input, readings iter.Seq2[Reading, error]) (Result, error) {
	all, err := gather(ctx, in, readings)
	if err != nil {
		return Result{}, err
	}
	in.Rules = slices.Clone(in.Rules)
	directory, declared, assumed := declare(in, all)
	for i := range declared {
		declared[i].Version = max(declared[i].Version, 1)
	}
	set, err := rules.Compile(declared, directory)
	if err != nil {
		return Result{}, fmt.Errorf("rules: %w", err)
	}
	set = set.WithMaintenance(in.Maintenance)
	p := &player{engine: rules.NewEngine(set), alarms: []Alarm{}, open: make(map[string]int)}
	if err := p.play(ctx, all); err != nil {
		return Result{}, err
	}
	if !in.To.IsZero() {
		p.pass(in.To)
	}
	stats := p.engine.Stats()
	result := Result{Alarms: p.alarms, Readings: stats.Readings, Duplicates: stats.Duplicates, Suppressed: p.suppressed, Devices: countDevices(all), Assumed: assumed}
	if len(all) > 0 {
		result.From, result.To = all[0].At, all[len(all)-1].At
	}
	slices.SortStableFunc(result.Alarms, func(a, b Alarm) int {
		return cmp.Or(a.RaisedAt.Compare(b.RaisedAt), cmp.Compare(a.Device, b.Device), cmp.Compare(a.RuleID, b.RuleID))
	})
	return result, nil
}

// gather reads everything within the bounds and puts it in order.
func gather(ctx context.Context, in Input, readings iter.Seq2[Reading, error]) ([]Reading, error) {
	var all []Reading
	ordered, n := true, 0
	for r, err := range readings {
		if err != nil {
			return nil, fmt.Errorf("readings: %w", err)
		}
		if n++; n%checkEvery == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if !in.From.IsZero() && r.At.Before(in.From) || !in.To.IsZero() && !r.At.Before(in.To) {
			continue
		}
		if len(all) > 0 && order(all[len(all)-1], r) > 0 {
			ordered = false
		}
		all = append(all, r)
	}
	if !ordered {
		slices.SortStableFunc(all, order)
	}
	return all, nil
}

// order is by time, then by device, so that what a device said at one instant
// stands together.
func order(a, b Reading) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Device, b.Device))
}

func countDevices(all []Reading) int {
	seen := make(map[devices.ID]struct{})
	for i := range all {
		seen[all[i].Device] = struct{}{}
	}
	return len(seen)
}

// player drives an engine along the readings.
type player struct {
	engine *rules.Engine
	alarms []Alarm
	open   map[string]int // alarm id to its place in alarms

	suppressed int64

	reports  []devices.Report
	readings []devices.Reading // of the reports, in one piece
}

// play gives the engine all readings of one instant at a time.
func (p *player) play(ctx context.Context, all []Reading) error {
	for first, looked := 0, 0; first < len(all); {
		if first-looked >= checkEvery {
			if err := ctx.Err(); err != nil {
				return err
			}
			looked = first
		}
		now := all[first].At
		p.pass(now.Add(-1))
		end := first
		for end < len(all) && all[end].At.Equal(now) {
			end++
		}
		p.note(p.engine.Apply(p.reportsOf(all[first:end]), now, nil))
		first = end
	}
	return nil
}

// reportsOf makes one report for each device of an instant.
func (p *player) reportsOf(instant []Reading) []devices.Report {
	p.reports, p.readings = p.reports[:0], slices.Grow(p.readings[:0], len(instant))
	for i := range instant {
		r := &instant[i]
		if i == 0 || instant[i-1].Device != r.Device {
			p.reports = append(p.reports, devices.Report{Device: r.Device, ObservedAt: r.At, ReceivedAt: r.At})
		}
		report := &p.reports[len(p.reports)-1]
		if r.Metric == faultsMetric {
			report.Faults = splitFaults(r.Value)
			continue
		}
		from := len(p.readings) - len(report.Readings)
		p.readings = append(p.readings, devices.Reading{Metric: r.Metric, Value: r.Value})
		report.Readings = p.readings[from:]
	}
	return p.reports
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

// note keeps the alarms up to date.
func (p *player) note(transitions []rules.Transition) {
	for i := range transitions {
		t := &transitions[i]
		if t.Change == rules.Suppressed {
			p.suppressed++
			continue
		}
		if t.Change == rules.Raised {
			p.open[t.AlarmID] = len(p.alarms)
			p.alarms = append(p.alarms, Alarm{
				RuleID: t.Key.Rule, RuleVersion: t.RuleVersion, Device: devices.ID(t.Key.Subject.ID),
				PendingSince: t.PendingSince, RaisedAt: t.RaisedAt, Values: plain(t.Values), Explanation: t.Explanation,
			})
		}
		a := &p.alarms[p.open[t.AlarmID]]
		a.Severity, a.Occurrences = t.Severity.String(), t.Occurrences
		if t.Change == rules.Cleared {
			at := t.At
			a.ClearedAt = &at
			a.Explanation = append(a.Explanation, t.Explanation...)
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
