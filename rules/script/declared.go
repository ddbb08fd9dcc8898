package script

import (
	"errors"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"

	"telltale/devices"
	"telltale/rules"
)

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
