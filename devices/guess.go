package devices

import (
	"cmp"
	"slices"
)

// Sample is one value of a device that is not declared, as the device names
// it.
type Sample struct {
	Name  string
	Unit  string // as it was sent; "": none was
	Value Value
}

// Guess is a model that a device may be of.
type Guess struct {
	Model        string
	Matched      int     // metrics of the device that the model declares, with a value that it allows
	Missing      int     // metrics of the model that the device did not send
	Unexplained  int     // metrics of the device that the model does not declare
	Contradicted int     // metrics that the model declares otherwise: in another kind of unit, or out of range
	Fit          float64 // 1: all fits; models below 0.5 are no guess
}

// leastFit is the fit below which more speaks against a model than for it.
const leastFit = 0.5

// GuessModels returns the models that fit what a device sent, the one that
// fits best first; none when none does. All metrics count together: one that
// the model declares speaks for it, one that it does not know against it, and
// one that it declares otherwise twice as much. What the device did not send
// counts half, since a message need not carry everything.
//
// framed says that the values came as a LoRaWAN frame. A model with a payload
// script is for such devices; for others its fit is halved.
func GuessModels(samples []Sample, framed bool, models []*Model) []Guess {
	var guesses []Guess
	for _, m := range models {
		g := guess(samples, m)
		if m.Decoder != "" && !framed {
			g.Fit /= 2
		}
		if g.Fit >= leastFit {
			guesses = append(guesses, g)
		}
	}
	slices.SortFunc(guesses, func(a, b Guess) int {
		return cmp.Or(cmp.Compare(b.Fit, a.Fit), cmp.Compare(b.Matched, a.Matched), cmp.Compare(a.Model, b.Model))
	})
	return guesses
}

// guess compares what a device sent with one model.
func guess(samples []Sample, m *Model) Guess {
	g := Guess{Model: m.ID}
	known := make(map[string]Metric, len(m.Metrics))
	for name, metric := range m.Metrics {
		known[cmp.Or(metric.From, name)] = metric
	}
	for name, metric := range m.Metrics {
		if _, taken := known[name]; !taken {
			known[name] = metric // renamed already, by another name in front
		}
	}
	seen := make(map[string]bool, len(samples)) // metrics of the model
	for _, s := range samples {
		metric, declared := known[s.Name]
		switch {
		case !declared:
			g.Unexplained++
		case seen[metric.Name]:
		case metric.allows(s):
			g.Matched++
		default:
			g.Contradicted++
		}
		if declared {
			seen[metric.Name] = true
		}
	}
	g.Missing = len(m.Metrics) - len(seen)
	if g.Matched > 0 {
		against := float64(g.Unexplained) + 2*float64(g.Contradicted) + float64(g.Missing)/2
		g.Fit = float64(g.Matched) / (float64(g.Matched) + against)
	}
	return g
}

// allows reports whether a sample can be of the metric.
func (m Metric) allows(s Sample) bool {
	v := m.Read(s.Value)
	if s.Unit == "" || m.Unit == "" || v.IsLabel() {
		return m.Believes(v)
	}
	number, err := Convert(v.Number, s.Unit, m.Unit)
	return err == nil && m.Believes(Number(number))
}
