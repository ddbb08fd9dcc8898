package rules

import (
	"maps"
	"slices"
	"time"

	"telltale/devices"
)

// Set is all rules, checked and ready to evaluate, and the devices they watch.
// It is immutable and safe for concurrent use: the engines of all partitions
// share one. [Compile] makes it.
type Set struct {
	directory *devices.Directory
	rules     []Rule
	byID      map[string]int
	models    map[string]*modelPlan
	warnings  []*SyntaxError

	wide        map[string][]Scope // rules that hold others back beyond their device, and how far
	maintenance []Maintenance
	planned     uint64 // the same for the same maintenance
}

// Rules returns the rules in the order they were given to Compile. Callers
// must not change them.
func (s *Set) Rules() []Rule { return s.rules }

// Rule returns the rule with the id.
func (s *Set) Rule(id string) (*Rule, bool) {
	i, ok := s.byID[id]
	if !ok {
		return nil, false
	}
	return &s.rules[i], true
}

// Directory returns the models and devices the set was compiled against.
func (s *Set) Directory() *devices.Directory { return s.directory }

// Warnings returns what is valid but probably not meant, in the form of an
// error: a selector that matches no model, an unlisted fault code, a silence
// that one late report would be.
func (s *Set) Warnings() []*SyntaxError { return s.warnings }

// modelPlan is what the devices of one model have in common.
type modelPlan struct {
	model  *devices.Model
	layout map[string]int // metric name to slot
	names  []string       // slot to metric name
	stale  int64          // age at which a value is stale; 0: never

	lateness int64 // how far a report out of order may take a device back; 0: not at all

	rules  []*bound // all rules for the model, inhibitors first
	plans  map[string]*plan
	tagged []int // rules that ask for tags

	rings    []ringSpec // readings that windows need
	ringOf   []int      // slot to ring, or -1
	trackers []trackerSpec
	windows  int     // how many spans of readings the rules look at
	tracking [][]int // by slot: the trackers that look at it
	onFaults []int   // the trackers that look at fault codes
	learned  learnedSpec
}

// bound is a rule whose conditions are closures over one model's slots.
type bound struct {
	*compiledRule
	binder *binder
	raises truthFunc
	clears truthFunc // nil: where raises is no
	need   need
	delays delays
	waits  bool         // for silence: it is evaluated by time as well
	aged   []Escalation // steps of the ladder that only need time, soonest first
	ladder []rung       // those that have conditions
}

// plan is the rules that watch a device: those of its model whose tags it
// has. Most models have a single one. What a reading costs depends on the
// masks of its metric alone.
type plan struct {
	*modelPlan
	rules      []*bound
	inhibitors [][]int // by rule: the positions of the rules that inhibit it
	position   map[string]int
	watching   [][]uint64 // by slot: which rules look at it
	onReport   []uint64   // rules that look at fault codes: evaluated by every report
	onContact  []uint64   // rules with silent(): evaluated by every word, and by time
	timed      []int      // positions of the rules with silent()
	silences   []int64    // their durations, shortest first
	needs      []need     // by rule: without which it does not hold
	needy      []uint64   // rules that have one
	aging      []int      // positions of the rules with escalations by age

	rungsOf []int // by rule: where its part of the devices' ladders begins
	rungs   int   // steps with conditions in all
	pastOf  []int // by rule: place among the devices' pasts, or -1; nil: no rule has one
	pasts   int

	clock     clockwork // what goes by our clock, and is not decided again
	signature uint64    // the same for plans that decide the same
}

// plan binds the rules to each model.
func (s *Set) plan(ordered []*compiledRule) {
	for _, m := range s.directory.Models() {
		s.models[m.ID] = newModelPlan(m, ordered)
	}
	for d := range s.directory.Devices() {
		if mp, ok := s.models[d.Model]; ok {
			mp.add(d.Tags)
		}
	}
}

func newModelPlan(m *devices.Model, ordered []*compiledRule) *modelPlan {
	mp := &modelPlan{
		model:  m,
		layout: make(map[string]int, len(m.Metrics)),
		names:  slices.Sorted(maps.Keys(m.Metrics)),
		stale:  int64(staleAfter(m)),
		plans:  make(map[string]*plan),

		lateness: int64(m.Lateness),
	}
	for i, name := range mp.names {
		mp.layout[name] = i
	}
	b := &binder{layout: mp.layout, every: int64(m.ReportEvery)}
	bounds := make([]bound, 0, len(ordered)) // side by side, since most reports walk through many
	for _, c := range ordered {
		if c.rule.Mode == Off || !c.rule.AppliesTo.matches(m.ID) {
			continue
		}
		if len(c.rule.AppliesTo.Tags) > 0 {
			mp.tagged = append(mp.tagged, len(mp.rules))
		}
		bounds = append(bounds, bound{
			compiledRule: c, binder: b, raises: b.truth(c.when), need: b.needOf(c.when),
			delays: delays{on: int64(c.rule.For), off: int64(c.rule.ClearFor), quiet: int64(c.rule.Chattering.Quiet)},
			aged:   byAge(c.rule.Escalate), ladder: b.ladder(c.ladder), waits: len(c.uses.silent) > 0,
		})
		one := &bounds[len(bounds)-1]
		if c.clear != nil {
			one.clears = b.truth(c.clear)
		}
		mp.rules = append(mp.rules, one)
	}
	mp.keep(b)
	return mp
}

// keep takes over what the bound conditions need to be kept.
func (mp *modelPlan) keep(b *binder) {
	mp.rings, mp.trackers, mp.windows = b.rings, b.trackers, len(b.windows)
	mp.learned = b.learned
	mp.ringOf = make([]int, len(mp.names))
	for slot := range mp.ringOf {
		mp.ringOf[slot] = -1
	}
	for i, spec := range mp.rings {
		mp.ringOf[spec.slot] = i
		mp.rings[i].keep += 2 * mp.lateness // so far back may a device be taken, and its windows with it
	}
	mp.tracking = make([][]int, len(mp.names))
	for i, spec := range mp.trackers {
		for _, name := range spec.uses.metrics {
			if slot, ok := mp.layout[name]; ok {
				mp.tracking[slot] = append(mp.tracking[slot], i)
			}
		}
		if spec.uses.faults {
			mp.onFaults = append(mp.onFaults, i)
		}
	}
}

// staleFactor times the report distance is the age at which a value is stale,
// where the model does not say.
const staleFactor = 3

func staleAfter(m *devices.Model) time.Duration {
	if m.StaleAfter > 0 {
		return m.StaleAfter
	}
	return staleFactor * m.ReportEvery
}

// signature says which of the rules that ask for tags a device is chosen by.
func (mp *modelPlan) signature(tags map[string]string) string {
	if len(mp.tagged) == 0 {
		return ""
	}
	chosen := make([]byte, len(mp.tagged))
	for i, position := range mp.tagged {
		if mp.rules[position].rule.AppliesTo.accepts(tags) {
			chosen[i] = 1
		}
	}
	return string(chosen)
}

// add makes the plan for devices with the tags, unless there is one.
func (mp *modelPlan) add(tags map[string]string) {
	signature := mp.signature(tags)
	if mp.plans[signature] != nil {
		return
	}
	p := &plan{modelPlan: mp, position: make(map[string]int)}
	for _, r := range mp.rules {
		if r.rule.AppliesTo.accepts(tags) {
			p.position[r.rule.ID] = len(p.rules)
			p.rules = append(p.rules, r)
		}
	}
	p.index()
	mp.plans[signature] = p
}

// index notes which rules to evaluate for what.
func (p *plan) index() {
	words := (len(p.rules) + 63) / 64
	p.watching = make([][]uint64, len(p.names))
	for slot := range p.watching {
		p.watching[slot] = make([]uint64, words)
	}
	p.onReport = make([]uint64, words)
	p.onContact = make([]uint64, words)
	p.needy = make([]uint64, words)
	p.clock.rules = make([]uint64, words)
	p.inhibitors = make([][]int, len(p.rules))
	var silences []time.Duration
	for i, r := range p.rules {
		word, bit := i/64, uint64(1)<<(i%64)
		for _, name := range r.uses.metrics {
			if slot, ok := p.layout[name]; ok {
				p.watching[slot][word] |= bit
			}
		}
		if r.uses.faults {
			p.onReport[word] |= bit
		}
		p.needs = append(p.needs, r.need)
		if r.need.of != ofNothing {
			p.needy[word] |= bit
		}
		if len(r.uses.silent) > 0 {
			p.onContact[word] |= bit
			p.timed = append(p.timed, i)
			silences = append(silences, r.uses.silent...)
		}
		if len(r.aged) > 0 {
			p.aging = append(p.aging, i)
		}
		p.remember(i, r)
		for _, by := range r.rule.InhibitedBy {
			inhibitor, ok := p.position[by.Rule]
			if ok && by.onDevice() && (p.rules[inhibitor].rule.Mode == Live || r.rule.Mode == Shadow) {
				p.inhibitors[i] = append(p.inhibitors[i], inhibitor) // a rule on trial holds back no real alarm
			}
		}
		p.clock.note(p, i)
	}
	p.silences = durations(silences)
	p.sign()
}

// remember gives a rule room for what a device keeps of it beyond its cell.
func (p *plan) remember(i int, r *bound) {
	p.rungsOf = append(p.rungsOf, p.rungs)
	p.rungs += len(r.ladder)
	if !r.rule.remembers() {
		if p.pastOf != nil {
			p.pastOf = append(p.pastOf, -1)
		}
		return
	}
	for len(p.pastOf) < i {
		p.pastOf = append(p.pastOf, -1)
	}
	p.pastOf = append(p.pastOf, p.pasts)
	p.pasts++
}

// planOf returns the plan for a device; false when it or its model is not
// declared.
func (s *Set) planOf(id devices.ID) (*plan, bool) {
	d, ok := s.directory.Device(id)
	if !ok {
		return nil, false
	}
	mp, ok := s.models[d.Model]
	if !ok {
		return nil, false
	}
	return mp.plans[mp.signature(d.Tags)], true
}
