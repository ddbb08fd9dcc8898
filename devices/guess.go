package devices

import (
	"cmp"
	"slices"
)

// Guess is a model that a device may be of.
type Guess struct {
	Model   string
	Matched int // metrics of the device that the model declares
	Missing int // metrics of the model that the device did not send
}

// GuessModels orders the models that declare any of the metrics, given by the
// names that the device uses, the likeliest first: the one that explains most
// of what was sent, then the one that expects least besides.
func GuessModels(metrics []string, models []*Model) []Guess {
	var guesses []Guess
	for _, m := range models {
		matched := 0
		for name, metric := range m.Metrics {
			if slices.Contains(metrics, name) || metric.From != "" && slices.Contains(metrics, metric.From) {
				matched++
			}
		}
		if matched > 0 {
			guesses = append(guesses, Guess{Model: m.ID, Matched: matched, Missing: len(m.Metrics) - matched})
		}
	}
	slices.SortFunc(guesses, func(a, b Guess) int {
		return cmp.Or(cmp.Compare(b.Matched, a.Matched), cmp.Compare(a.Missing, b.Missing), cmp.Compare(a.Model, b.Model))
	})
	return guesses
}
