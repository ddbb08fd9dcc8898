package backtest

import (
	"fmt"
	"maps"
	"slices"

	"telltale/devices"
	"telltale/rules"
)

// inferredModel is the id of the model of devices that nobody declared.
const inferredModel = "inferred"

// declare returns what the readings are judged by: what is declared, and for
// the devices that measured something and are not, a model that fits. Without
// any model, rules apply to any device. It uses seen up.
func declare(in Input, seen map[devices.ID][]string) (directory *devices.Directory, anyDevice bool, assumed []string) {
	for _, d := range in.Devices {
		delete(seen, d.ID)
	}
	in.Models = withoutLateness(in.Models)
	subjects := slices.Clone(in.Devices)
	if len(seen) == 0 {
		return devices.NewDirectory(1, in.Models, subjects), false, nil
	}

	if len(in.Models) == 0 {
		model := inferModel(slices.Concat(in.Rules, in.Against, in.Beside), seen)
		for id := range seen {
			subjects = append(subjects, &devices.Device{ID: id, Model: model.ID})
		}
		assumed = append(assumed, fmt.Sprintf("No model is declared: all rules apply to all %d devices, and no value goes stale.", len(seen)))
		return devices.NewDirectory(1, []*devices.Model{model}, subjects), true, assumed
	}
	for _, id := range slices.Sorted(maps.Keys(seen)) {
		model := bestModel(in.Models, seen[id])
		if model == nil {
			assumed = append(assumed, fmt.Sprintf("Device %s is left out: no declared model measures what it did.", id))
			continue
		}
		subjects = append(subjects, &devices.Device{ID: id, Model: model.ID})
		assumed = append(assumed, fmt.Sprintf("Device %s is not declared and taken for a %s.", id, model.ID))
	}
	return devices.NewDirectory(1, in.Models, subjects), false, assumed
}

// withoutLateness returns the models without their lateness: readings are played in
// order, so a decision that a late one amends is seen in its final form, and
// nothing has to be kept for it.
func withoutLateness(models []*devices.Model) []*devices.Model {
	all := make([]*devices.Model, len(models))
	for i, m := range models {
		one := *m
		one.Lateness = 0
		all[i] = &one
	}
	return all
}

// inferModel is a model of everything that was measured or is spoken of.
func inferModel(declared []rules.Rule, seen map[devices.ID][]string) *devices.Model {
	m := &devices.Model{ID: inferredModel, Metrics: make(map[string]devices.Metric)}
	for _, metrics := range seen {
		for _, name := range metrics {
			m.Metrics[name] = devices.Metric{Name: name}
		}
	}
	for i := range declared {
		for _, name := range rules.MetricNames(&declared[i]) {
			m.Metrics[name] = devices.Metric{Name: name}
		}
	}
	return m
}

func withoutSelectors(declared []rules.Rule) []rules.Rule {
	all := slices.Clone(declared)
	for i := range all {
		all[i].AppliesTo = rules.Selector{}
	}
	return all
}

// bestModel is the declared model with most of the metrics, the first by id
// of several.
func bestModel(models []*devices.Model, metrics []string) *devices.Model {
	var best *devices.Model
	most := 0
	for _, m := range models {
		fits := 0
		for _, name := range metrics {
			if _, ok := m.Metrics[name]; ok {
				fits++
			}
		}
		if fits > most || fits == most && fits > 0 && m.ID < best.ID {
			best, most = m, fits
		}
	}
	return best
}
