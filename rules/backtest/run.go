package backtest

import (
	"cmp"
	"context"
	"errors"
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

	// Beside are rules that are declared besides. Those that Rules or Against
	// name in inhibited_by are played with them; their own alarms are not told.
	Beside []rules.Rule

	// Against are rules to compare with, on the same readings; With says in
	// words which they are. AcrossRules lets alarms of any rules be the same.
	Against     []rules.Rule
	With        string
	AcrossRules bool

	Sweep *Sweep // nil: one value only

	Maintenance []rules.Maintenance // during which nothing is raised

	// From and To bound the readings that are played: From <= time < To.
	// Zero: no bound.
	From, To time.Time

	// MaxAlarms is how many alarms a run may raise, those compared with and
	// those of a sweep together: about 200 bytes of memory each, and five times
	// that for those of Rules. Zero: a million.
	MaxAlarms int

	// Progress is told now and then how far it is; nil: nobody is.
	Progress func(Progress)
}

// Result is what the rules would have done.
type Result struct {
	Alarms     []Alarm     `json:"alarms"` // by RaisedAt, then device, then rule
	Readings   int64       `json:"readings"`
	Duplicates int64       `json:"duplicates"`
	Suppressed int64       `json:"suppressed"` // alarms that something held back, each time by something new
	Devices    int         `json:"devices"`
	From       time.Time   `json:"from"` // of the first reading played; zero without one
	To         time.Time   `json:"to"`   // of the last
	Assumed    []string    `json:"assumed,omitempty"`
	Figures    Figures     `json:"figures"`
	Comparison *Comparison `json:"comparison,omitempty"`
	Sweep      []SweepStep `json:"sweep,omitempty"`
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

// maxAlarms bounds what a run remembers. Rules that raise more are not tried
// out, they are broken.
const maxAlarms = 1_000_000

// InputError is what is wrong with the rules or the sweep of a run.
type InputError struct{ Err error }

// Error returns what is wrong.
func (e *InputError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong.
func (e *InputError) Unwrap() error { return e.Err }

// Run plays readings, in any order, and returns the alarms that the rules
// raise. Rules that are switched off stay off; those in shadow count. The
// error is the readings', an [*InputError] or the context's.
func Run(ctx context.Context, in Input, readings iter.Seq2[Reading, error]) (Result, error) {
	all, err := gather(ctx, in, readings)
	if err != nil {
		return Result{}, err
	}
	seen := all.measured()
	among := len(seen)
	directory, anyDevice, assumed := declare(in, seen)
	if anyDevice {
		in.Rules, in.Against, in.Beside = withoutSelectors(in.Rules), withoutSelectors(in.Against), withoutSelectors(in.Beside)
	}
	p, err := newPlayer(in, directory)
	if err != nil {
		return Result{}, err
	}
	p.done = Progress{Read: int64(len(all.points)), Total: int64(len(all.points))}
	if err := p.instants(ctx, all); err != nil {
		return Result{}, err
	}
	result, err := p.result(in)
	result.Devices, result.Assumed = among, assumed
	return result, err
}

// Check finds what is wrong with the rules and the sweep of a run on what is
// declared, without playing anything. The error is an [*InputError].
func Check(in Input) error {
	_, err := newPlayer(in, devices.NewDirectory(1, in.Models, in.Devices))
	return err
}

// newPlayer compiles all variants of the rules into one engine: those on
// trial, those to compare with, and one for each value of the sweep.
func newPlayer(in Input, directory *devices.Directory) (*player, error) {
	sets := [][]rules.Rule{in.Rules, in.Against}
	if in.Sweep != nil {
		swept, err := in.Sweep.plan(in.Rules)
		if err != nil {
			return nil, &InputError{fmt.Errorf("sweep: %w", err)}
		}
		sets = append(sets, swept...)
	}
	p := &player{open: make(map[string]place), progress: in.Progress, most: cmp.Or(in.MaxAlarms, maxAlarms)}
	var all []rules.Rule
	for i, set := range sets {
		v := newVariant(i, set)
		p.variants = append(p.variants, v)
		if i > 0 {
			all = append(all, v.inEngine()...)
		}
	}
	own := slices.Clone(in.Rules) // as they are given, so that one declared twice is found
	for i := range own {
		own[i].Version = max(own[i].Version, 1)
	}
	all = append(own, all...)
	set, err := rules.Compile(append(all, inhibitors(in.Beside, all)...), directory)
	if err != nil {
		return nil, &InputError{fmt.Errorf("rules: %w", withoutMarks(err))}
	}
	p.engine = rules.NewEngine(set.WithMaintenance(in.Maintenance))
	p.engine.ExplainOnly(func(id string) bool { _, own := p.variants[0].rules[id]; return own }) // all else is only counted
	return p, nil
}

// inhibitors returns the rules that others name in inhibited_by, directly or
// not, and that are not among those.
func inhibitors(beside, named []rules.Rule) []rules.Rule {
	have := make(map[string]bool, len(named))
	for _, r := range named {
		have[r.ID] = true
	}
	var found []rules.Rule
	for wanted := named; len(wanted) > 0; {
		var next []rules.Rule
		for _, r := range wanted {
			for _, by := range r.InhibitedBy {
				id := by.Rule
				i := slices.IndexFunc(beside, func(b rules.Rule) bool { return b.ID == id })
				if i >= 0 && !have[id] {
					have[id] = true
					next = append(next, beside[i])
				}
			}
		}
		found = append(found, next...)
		wanted = next
	}
	return found
}

// withoutMarks says each fault once, in the words of who wrote the rules: one
// in a variant is one in the rule.
func withoutMarks(err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	var kept []error
	seen := make(map[string]bool)
	for _, one := range joined.Unwrap() {
		var fault *rules.SyntaxError
		if errors.As(one, &fault) {
			plain := *fault
			plain.Rule, _, _ = strings.Cut(fault.Rule, markedBy)
			one = &plain
		}
		if !seen[one.Error()] {
			seen[one.Error()] = true
			kept = append(kept, one)
		}
	}
	return errors.Join(kept...)
}

// result lets the time to the end of the run pass and adds everything up.
func (p *player) result(in Input) (Result, error) {
	if !in.To.IsZero() {
		p.pass(in.To)
	}
	trial := p.variants[0]
	stats := p.engine.Stats()
	result := Result{Alarms: trial.sorted(), Readings: stats.Readings, Duplicates: stats.Duplicates, Suppressed: p.suppressed, From: p.first, To: p.last}
	if result.Alarms == nil {
		result.Alarms = []Alarm{}
	}
	if p.kept > p.most {
		return result, &InputError{fmt.Errorf("the rules raise more than %d alarms: give them a delay or a higher limit", p.most)}
	}
	from, to := p.first, p.last
	if !in.From.IsZero() {
		from = in.From
	}
	if !in.To.IsZero() {
		to = in.To
	}
	result.Figures = trial.figures(from, to)
	if in.With != "" {
		others := p.variants[1]
		c := Compare(result.Alarms, others.sorted(), in.AcrossRules)
		c.With, c.Figures = in.With, others.figures(from, to)
		result.Comparison = &c
	}
	if in.Sweep != nil {
		unit := in.Sweep.unit(in.Rules, p.engine.Set().Directory())
		own, known := in.Sweep.own(in.Rules)
		for i, v := range in.Sweep.Values {
			result.Sweep = append(result.Sweep, SweepStep{
				Value: v, Text: in.Sweep.text(v), Unit: unit, Own: known && v == own, Figures: p.variants[2+i].figures(from, to),
			})
		}
	}
	return result, nil
}

func (v *variant) figures(from, to time.Time) Figures {
	return FiguresOf(v.alarms, func(id string) (rules.Rule, bool) { r, ok := v.rules[id]; return r, ok }, from, to)
}
