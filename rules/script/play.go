package script

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"telltale/devices"
	"telltale/rules"
)

// play is one test being played.
type play struct {
	test      *test
	set       *rules.Set
	directory *devices.Directory
	every     time.Duration
	engine    *rules.Engine
	happened  []rules.Transition
	failures  []Failure
	awaited   []*parcel // what arrives late, in that order

	watch func(i int) // called behind instant i; nil: nobody watches
}

func newPlay(t *test, declared declarations) (*play, error) {
	directory, err := declared.directory(t)
	if err != nil {
		return nil, err
	}
	set, err := declared.compile(directory)
	if err != nil {
		return nil, err
	}
	p := &play{test: t, set: set, directory: directory, engine: rules.NewEngine(set), every: t.every, awaited: t.parcels()}
	if p.every == 0 {
		m, _ := directory.ModelOf(t.devices[0].id)
		p.every = m.ReportEvery
	}
	return p, p.check()
}

// maxTest bounds the time that a test plays: silence is looked at every minute.
const maxTest = 10 * 366 * 24 * time.Hour

// check makes sure that the test speaks of rules that there are, and that its
// steps have a length.
func (p *play) check() error {
	var faults []error
	known := func(n *yaml.Node, id string) {
		if _, ok := p.set.Rule(id); ok {
			return
		}
		hint := rules.Nearest(id, p.ruleIDs())
		if hint != "" {
			hint = " (" + hint + ")"
		}
		faults = append(faults, fault(n, "there is no rule %q%s", id, hint))
	}
	for _, e := range p.test.expect {
		known(e.node, e.alarm)
	}
	for _, total := range p.test.totals {
		known(total.node, total.rule)
	}
	if p.every == 0 {
		faults = append(faults, fault(p.test.node, "every is missing, and the model has no report_every"))
	} else if int64(p.test.length()) > int64(maxTest/p.every) {
		faults = append(faults, fault(p.test.node, "the test lasts longer than ten years"))
	} else {
		faults = append(faults, p.checkLate()...)
	}
	return errors.Join(faults...)
}

func (p *play) ruleIDs() []string {
	var ids []string
	for _, r := range p.set.Rules() {
		ids = append(ids, r.ID)
	}
	slices.Sort(ids)
	return ids
}

// run plays the time line and checks each expectation when its time has come.
// The error is that of ctx: time lines can be long.
func (p *play) run(ctx context.Context) error {
	expectations := slices.Clone(p.test.expect)
	slices.SortStableFunc(expectations, func(a, b *expectation) int { return cmp.Compare(a.at, b.at) })
	check := func(before time.Duration) {
		for len(expectations) > 0 && expectations[0].at < before {
			p.expect(ctx, expectations[0])
			expectations = expectations[1:]
		}
	}
	for i := range p.test.length() {
		now := time.Duration(i) * p.every
		p.arrive(ctx, now-1, check)
		check(now)
		p.instant(ctx, i)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	p.arrive(ctx, maxTest, check)
	for _, e := range expectations {
		p.expect(ctx, e)
	}
	p.checkTotals(ctx)
	return ctx.Err()
}

// instant lets the time until instant i pass and sends what the devices say
// at it, and behind that what arrives late then: a device that was away says
// first how it is.
func (p *play) instant(ctx context.Context, i int) {
	now := time.Duration(i) * p.every
	nothing := func(time.Duration) {}
	p.arrive(ctx, now-1, nothing)
	p.pass(ctx, now-1)
	p.report(i, now)
	p.arrive(ctx, now, nothing)
	if p.watch != nil {
		p.watch(i)
	}
}

// report sends what the devices say at instant i.
func (p *play) report(i int, now time.Duration) {
	at := p.test.start.Add(now)
	var reports []devices.Report
	for _, d := range p.test.devices {
		if s := d.status.at(i); s != nil {
			reports = append(reports, devices.Report{Device: d.id, ReceivedAt: at, Presence: s.presence()})
		}
		if r, says := d.reportAt(i, at); says && !p.keep(d.lateAt(now), r) {
			reports = append(reports, r)
		}
	}
	p.happened = append(p.happened, p.engine.Apply(reports, at, nil)...)
}

// reportAt is what a device says about itself at instant i, whose time is at;
// false when it says nothing.
func (d *subject) reportAt(i int, at time.Time) (devices.Report, bool) {
	r := devices.Report{Device: d.id, ObservedAt: at, ReceivedAt: at}
	for _, name := range d.metrics() {
		if s := d.series[name].at(i); s != nil {
			r.Readings = append(r.Readings, devices.Reading{Metric: name, Value: s.value()})
		}
	}
	if s := d.faults.at(i); s != nil {
		r.Faults = s.faults()
	}
	return r, len(r.Readings) > 0 || r.Faults != nil
}

// pass lets time go by, as the gateway does: the engine is told at each of
// its deadlines. It stops early when ctx ends.
func (p *play) pass(ctx context.Context, until time.Duration) {
	end := p.test.start.Add(until)
	for ctx.Err() == nil {
		deadline, ok := p.engine.NextDeadline()
		if !ok || deadline.After(end) {
			return
		}
		p.happened = append(p.happened, p.engine.Tick(deadline)...)
	}
}
