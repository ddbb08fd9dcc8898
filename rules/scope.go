package rules

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"telltale/devices"
)

// scope is what a rule's conditions may speak of: the metrics of all models
// that the rule applies to.
type scope struct {
	models  []*devices.Model         // ordered by id; empty: nothing is known, so every name is let through
	metrics map[string][]scopeMetric // by name, in the order of models
	names   []string                 // sorted
}

type scopeMetric struct {
	model  string
	metric devices.Metric
}

func newScope(models []*devices.Model) *scope {
	s := &scope{models: models, metrics: make(map[string][]scopeMetric)}
	for _, m := range models {
		for name, metric := range m.Metrics {
			s.metrics[name] = append(s.metrics[name], scopeMetric{m.ID, metric})
		}
	}
	for _, found := range s.metrics {
		slices.SortFunc(found, func(a, b scopeMetric) int { return cmp.Compare(a.model, b.model) })
	}
	s.names = slices.Sorted(maps.Keys(s.metrics))
	return s
}

// kindOfUnit tells switches and words from quantities. Numbers of any unit
// are compared as they arrive.
func kindOfUnit(unit string) kind {
	switch {
	case devices.SwitchUnit(unit):
		return kindTruth
	case devices.TextUnit(unit):
		return kindText
	case unit == "":
		return kindAny
	default:
		return kindNumber
	}
}

// metric finds a metric by name. One that only some of the models have is
// fine; one that none has is a slip, and so is one that means different units
// in different models.
func (s *scope) metric(name string) (metricNode, *problem) {
	if len(s.models) == 0 {
		return metricNode{name: name, of: kindAny}, nil
	}
	found := s.metrics[name]
	if len(found) == 0 {
		return metricNode{}, &problem{text: fmt.Sprintf("unknown metric %q", name), hint: s.metricHint(name)}
	}
	first := found[0]
	for _, other := range found[1:] {
		if !sameUnit(other.metric.Unit, first.metric.Unit) {
			return metricNode{}, &problem{
				text: fmt.Sprintf("%s has the unit %q in model %s and %q in model %s",
					name, first.metric.Unit, first.model, other.metric.Unit, other.model),
				hint: "narrow applies_to.models",
			}
		}
	}
	return metricNode{name: name, of: kindOfUnit(first.metric.Unit), unit: first.metric.Unit}, nil
}

func (s *scope) metricHint(name string) string {
	for _, known := range s.names {
		for _, m := range s.metrics[known] {
			if m.metric.From == name {
				return fmt.Sprintf("model %s renames it to %q", m.model, known)
			}
		}
	}
	if hint := Nearest(name, s.names); hint != "" {
		return hint
	}
	if len(s.names) == 0 {
		return fmt.Sprintf("model %s declares no metrics", s.models[0].ID)
	}
	var models []string
	for _, m := range s.models {
		models = append(models, m.ID)
	}
	return fmt.Sprintf("metrics of %s: %s", fewOf(models, 3), fewOf(s.names, 12))
}

// fewOf lists words, the first of them only where they are many.
func fewOf(words []string, few int) string {
	if len(words) > few {
		return strings.Join(words[:few], ", ") + ", ..."
	}
	return strings.Join(words, ", ")
}

// nearestFault is the listed code that a misspelt one may mean, as a hint.
func nearestFault(code string, s *scope) string {
	var codes []string
	for _, m := range s.models {
		codes = slices.AppendSeq(codes, maps.Keys(m.Faults))
	}
	slices.Sort(codes)
	return Nearest(code, codes)
}

// knowsFault reports whether a code is in the catalogue of any model, or no
// model has a catalogue.
func (s *scope) knowsFault(code string) bool {
	catalogued := false
	for _, m := range s.models {
		if _, ok := m.Faults[code]; ok {
			return true
		}
		catalogued = catalogued || len(m.Faults) > 0
	}
	return !catalogued
}
