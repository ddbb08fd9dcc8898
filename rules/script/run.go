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

	"telltale/devices"
	"telltale/rules"
)

// Loader reads a file of declarations: its rules and models. Other kinds in
// it are ignored. Its errors name the file and the line.
type Loader func(path string) ([]rules.Rule, []*devices.Model, error)

// Run plays the scripts and returns how their tests went. Paths of rule files
// are relative to the script that names them. An error means that a script
// or a rule file is invalid; failed tests are not an error but in the result.
// All invalid scripts are reported, and the valid ones are played.
func Run(ctx context.Context, paths []string, load Loader) (Result, error) {
	var result Result
	var faults []error
	for _, path := range paths {
		if err := ctx.Err(); err != nil {
			return result, errors.Join(append(faults, err)...)
		}
		if err := runFile(ctx, path, load, &result); err != nil {
			faults = append(faults, err)
		}
	}
	return result, errors.Join(faults...)
}

func runFile(ctx context.Context, path string, load Loader, result *Result) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	f, err := parse(content)
	if err != nil {
		return inFile(path, err)
	}
	var declared declarations
	for _, name := range f.Rules {
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(path), name)
		}
		r, m, err := load(name)
		if err != nil {
			return fmt.Errorf("%s: rules: %w", path, err)
		}
		for _, one := range r {
			one.Version = max(one.Version, 1) // a file does not know how often its rule was changed
			declared.rules = append(declared.rules, one)
		}
		declared.models = append(declared.models, m...)
	}
	for i := range f.Tests {
		if err := ctx.Err(); err != nil {
			return err
		}
		p, err := newPlay(&f.Tests[i], declared)
		if err != nil {
			return inFile(path, err)
		}
		p.run()
		result.add(path, p)
	}
	return nil
}

// inFile puts the file's name before each line of an error.
func inFile(path string, err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, one := range joined.Unwrap() {
			all = append(all, inFile(path, one))
		}
		return errors.Join(all...)
	}
	var line *lineError
	if errors.As(err, &line) {
		return fmt.Errorf("%s:%d: %w", path, line.line, line.err)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// declarations are what a script's rule files hold.
type declarations struct {
	rules  []rules.Rule
	models []*devices.Model
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
	for _, s := range t.Devices {
		m, ok := models[s.Model]
		if !ok {
			m = d.guess(t, s.Model)
			models[s.Model] = m
		}
		for _, name := range slices.Sorted(maps.Keys(s.Series)) {
			if _, ok := m.Metrics[name]; !ok {
				faults = append(faults, &lineError{s.Series[name].line, fmt.Errorf("model %s has no metric %q", m.ID, name)})
			}
		}
		subjects = append(subjects, &devices.Device{ID: devices.ID(s.ID), Model: s.Model, Site: s.Site, Tags: s.Tags})
	}
	return devices.NewDirectory(1, slices.Collect(maps.Values(models)), subjects), errors.Join(faults...)
}

func (d declarations) guess(t *test, model string) *devices.Model {
	m := &devices.Model{ID: model, ReportEvery: time.Duration(t.Every), Metrics: make(map[string]devices.Metric)}
	for i := range d.rules {
		for _, name := range rules.MetricNames(&d.rules[i]) {
			m.Metrics[name] = devices.Metric{Name: name}
		}
	}
	for _, s := range t.Devices {
		if s.Model == model {
			for name := range s.Series {
				m.Metrics[name] = devices.Metric{Name: name}
			}
		}
	}
	return m
}

// play is one test being played.
type play struct {
	test     *test
	every    time.Duration
	engine   *rules.Engine
	happened []rules.Transition
	failures []Failure
}

func newPlay(t *test, declared declarations) (*play, error) {
	directory, err := declared.directory(t)
	if err != nil {
		return nil, err
	}
	set, err := rules.Compile(declared.rules, directory)
	if err != nil {
		return nil, fmt.Errorf("rules of test %q: %w", t.Name, err)
	}
	p := &play{test: t, engine: rules.NewEngine(set), every: time.Duration(t.Every)}
	var faults []error
	for _, e := range t.Expect {
		if _, ok := set.Rule(e.Alarm); !ok {
			faults = append(faults, &lineError{e.line, fmt.Errorf("there is no rule %q", e.Alarm)})
		}
	}
	for _, rule := range slices.Sorted(maps.Keys(t.Raised)) {
		if _, ok := set.Rule(rule); !ok {
			faults = append(faults, &lineError{t.line, fmt.Errorf("raised: there is no rule %q", rule)})
		}
	}
	if p.every == 0 {
		m, _ := directory.ModelOf(devices.ID(t.Devices[0].ID))
		p.every = m.ReportEvery
	}
	if p.every == 0 {
		faults = append(faults, &lineError{t.line, errors.New("every is missing, and the model has no report_every")})
	}
	return p, errors.Join(faults...)
}

// run plays the time line and checks each expectation when its time has come.
func (p *play) run() {
	expectations := slices.Clone(p.test.Expect)
	slices.SortStableFunc(expectations, func(a, b expectation) int { return cmp.Compare(a.At, b.At) })
	for i := range p.length() {
		now := time.Duration(i) * p.every
		for len(expectations) > 0 && time.Duration(expectations[0].At) < now {
			p.expect(expectations[0])
			expectations = expectations[1:]
		}
		p.pass(now - 1)
		p.report(i, now)
	}
	for _, e := range expectations {
		p.expect(e)
	}
	p.checkRaised()
}

// length is the number of instants of the longest series.
func (p *play) length() int {
	n := 0
	for _, d := range p.test.Devices {
		for _, s := range d.Series {
			n = max(n, len(s.all))
		}
		if d.Faults != nil {
			n = max(n, len(d.Faults.all))
		}
	}
	return n
}

// report sends what the devices say at instant i.
func (p *play) report(i int, now time.Duration) {
	at := p.test.Start.Add(now)
	var reports []devices.Report
	for _, d := range p.test.Devices {
		r := devices.Report{Device: devices.ID(d.ID), ObservedAt: at, ReceivedAt: at}
		for _, name := range slices.Sorted(maps.Keys(d.Series)) {
			if s := d.Series[name].all; i < len(s) && s[i] != nil {
				r.Readings = append(r.Readings, devices.Reading{Metric: name, Value: s[i].value()})
			}
		}
		if d.Faults != nil && i < len(d.Faults.all) && d.Faults.all[i] != nil {
			r.Faults = d.Faults.all[i].faults()
		}
		if len(r.Readings) > 0 || r.Faults != nil {
			reports = append(reports, r)
		}
	}
	p.happened = append(p.happened, p.engine.Apply(reports, at, nil)...)
}

// pass lets time go by, as the gateway does: the engine is told at each of
// its deadlines.
func (p *play) pass(until time.Duration) {
	end := p.test.Start.Add(until)
	for {
		deadline, ok := p.engine.NextDeadline()
		if !ok || deadline.After(end) {
			return
		}
		p.happened = append(p.happened, p.engine.Tick(deadline)...)
	}
}
