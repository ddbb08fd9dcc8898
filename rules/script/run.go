package script

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"telltale/devices"
	"telltale/rules"
)

// Declarations are what a file holds, as far as scripts go.
type Declarations struct {
	Rules       []rules.Rule
	Models      []*devices.Model
	Maintenance []rules.Maintenance
	Own         []*Own // the tests that the rules carry

	// Place turns a fault of one of the rules into an error that names its
	// file, line and column. Nil leaves it as it is.
	Place func(*rules.SyntaxError) error
}

// Loader reads a file of declarations. Kinds that scripts know nothing of are
// ignored. Its errors name the file and the line.
type Loader func(path string) (Declarations, error)

// File is a script, or a file of declarations whose rules carry tests.
type File struct {
	Path  string
	Found bool // beside others in a folder: it may be declarations without any test
}

// errNothing says that folders hold no test at all.
var errNothing = errors.New("there is no test in these files")

// Run plays the scripts and returns how their tests went. Paths of rule files
// are relative to the script that names them. An error means that a script or
// a rule file is invalid; failed tests are not an error but in the result. All
// invalid scripts are reported, and the valid ones are played.
func Run(ctx context.Context, files []File, load Loader) (Result, error) {
	var result Result
	var faults []error
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return result, errors.Join(append(faults, err)...)
		}
		err := runFile(ctx, f.Path, load, &result)
		if err != nil && !(f.Found && errors.Is(err, errNoTests)) {
			faults = append(faults, err)
		}
	}
	if len(faults) == 0 && result.Passed+result.Failed == 0 {
		faults = append(faults, errNothing)
	}
	return result, errors.Join(faults...)
}

func runFile(ctx context.Context, path string, load Loader, result *Result) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if isDeclarations(content) {
		return runDeclared(ctx, path, load, result)
	}
	f, err := parse(content)
	if err != nil {
		return inFile(path, err)
	}
	declared, err := f.load(path, load)
	if err != nil {
		return err
	}
	var plays []*play
	var faults []error
	for _, t := range f.tests {
		p, err := newPlay(t, declared)
		if err != nil {
			faults = append(faults, inFile(path, err))
		}
		plays = append(plays, p)
	}
	if len(faults) > 0 {
		return unique(faults)
	}
	for _, p := range plays {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.run(ctx); err != nil {
			return err
		}
		result.add(path, p)
	}
	return nil
}

// load reads the files that a script names.
func (f *file) load(path string, load Loader) (declarations, error) {
	declared := declarations{place: make(map[string]func(*rules.SyntaxError) error)}
	var faults []error
	for _, n := range f.rules {
		name := n.Value
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(path), name)
		}
		some, err := load(name)
		switch {
		case errors.Is(err, os.ErrNotExist):
			faults = append(faults, inFile(path, fault(n, "rules: %w", err)))
			continue
		case err != nil:
			faults = append(faults, err)
			continue
		}
		for _, one := range some.Rules {
			one.Version = max(one.Version, 1) // a file does not know how often its rule was changed
			declared.rules = append(declared.rules, one)
			declared.place[one.ID] = some.Place
		}
		declared.models = append(declared.models, some.Models...)
		declared.maintenance = append(declared.maintenance, some.Maintenance...)
	}
	return declared, errors.Join(faults...)
}

// fault is an error at a node.
func fault(n *yaml.Node, format string, args ...any) error {
	return &placeError{n.Line, n.Column, fmt.Errorf(format, args...)}
}

// inFile puts the file's name before each line of an error about the script.
func inFile(path string, err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, one := range joined.Unwrap() {
			all = append(all, inFile(path, one))
		}
		return errors.Join(all...)
	}
	var at *placeError
	switch {
	case !errors.As(err, &at):
		return err // about another file
	case at.line == 0:
		return fmt.Errorf("%s: %w", path, err)
	default:
		return fmt.Errorf("%s:%w", path, err)
	}
}

// unique joins errors and leaves out those that say the same: every test of a
// script finds what is wrong with its rules.
func unique(faults []error) error {
	said := make(map[string]bool)
	return errors.Join(slices.DeleteFunc(faults, func(err error) bool {
		before := said[err.Error()]
		said[err.Error()] = true
		return before
	})...)
}

// declarations are what a script's rule files hold.
type declarations struct {
	rules  []rules.Rule
	models []*devices.Model
	place  map[string]func(*rules.SyntaxError) error // by rule

	maintenance []rules.Maintenance
}

// directory returns the models and the test's devices. A model that is not
// declared is taken to measure what the series and the rules speak of.
func (d declarations) directory(t *test) (*devices.Directory, error) {
	models := make(map[string]*devices.Model)
	for _, m := range d.models {
		models[m.ID] = m
	}
	var faults []error
	var subjects []*devices.Device
	for _, s := range t.devices {
		m, ok := models[s.model]
		if !ok {
			m = d.guess(t, s.model)
			models[s.model] = m
		}
		for _, name := range s.metrics() {
			if _, ok := m.Metrics[name]; !ok {
				faults = append(faults, unknownMetric(s.series[name].node, m, name))
			}
		}
		subjects = append(subjects, s.device())
	}
	return devices.NewDirectory(1, slices.Collect(maps.Values(models)), subjects), errors.Join(faults...)
}

func (s *subject) device() *devices.Device {
	d := &devices.Device{ID: s.id, Model: s.model, Site: s.site, Gateway: s.gateway, Tags: s.tags}
	if s.customer != "" {
		d.Owners = []devices.Ownership{{Customer: s.customer}}
	}
	return d
}

func unknownMetric(n *yaml.Node, m *devices.Model, name string) error {
	if hint := rules.Nearest(name, slices.Sorted(maps.Keys(m.Metrics))); hint != "" {
		return fault(n, "model %s has no metric %q (%s)", m.ID, name, hint)
	}
	return fault(n, "model %s has no metric %q", m.ID, name)
}

// guessedLateness is how many steps late the readings of a model may be that
// nobody has declared: as many as where a declared one says nothing.
const guessedLateness = 10

func (d declarations) guess(t *test, model string) *devices.Model {
	m := &devices.Model{ID: model, ReportEvery: t.every, Lateness: guessedLateness * t.every, Metrics: make(map[string]devices.Metric)}
	for i := range d.rules {
		for _, name := range rules.MetricNames(&d.rules[i]) {
			m.Metrics[name] = d.metric(name)
		}
	}
	for _, s := range t.devices {
		if s.model == model {
			for name := range s.series {
				m.Metrics[name] = d.metric(name)
			}
		}
	}
	return m
}

// metric is what the declared models mean by a name.
func (d declarations) metric(name string) devices.Metric {
	for _, m := range d.models {
		if metric, ok := m.Metrics[name]; ok {
			return metric
		}
	}
	return devices.Metric{Name: name}
}

// compile makes the rules ready for a directory. Its errors say where in the
// rules' own files they belong.
func (d declarations) compile(directory *devices.Directory) (*rules.Set, error) {
	set, err := rules.Compile(d.rules, directory)
	joined, ok := err.(interface{ Unwrap() []error })
	switch {
	case err == nil:
		return set.WithMaintenance(d.maintenance), nil
	case !ok:
		return nil, err
	}
	var faults []error
	for _, one := range joined.Unwrap() {
		var syntax *rules.SyntaxError
		if errors.As(one, &syntax) && d.place[syntax.Rule] != nil {
			one = d.place[syntax.Rule](syntax)
		}
		faults = append(faults, one)
	}
	return nil, errors.Join(faults...)
}

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
