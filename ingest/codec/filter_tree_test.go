package codec

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestTheTreeOfFiltersFindsWhatMatchingEachFilterFinds compares the tree with
// the definition, on filters and topics of few levels out of few names.
func TestTheTreeOfFiltersFindsWhatMatchingEachFilterFinds(t *testing.T) {
	t.Parallel()
	levels := func(names ...string) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			return strings.Join(rapid.SliceOfN(rapid.SampledFrom(names), 1, 4).Draw(t, "levels"), "/")
		})
	}
	topics := levels("a", "b", "", "$SYS")
	filters := rapid.Custom(func(t *rapid.T) string {
		f := levels("a", "b", "", "+", "$SYS").Draw(t, "filter")
		switch rapid.IntRange(0, 3).Draw(t, "end") {
		case 0:
			return f + "/#"
		case 1:
			return "#"
		default:
			return f
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(filters, 0, 8).Draw(t, "filters")
		topic := topics.Draw(t, "topic")
		var tree filterTree
		want, matched := -1, false
		for i, f := range list {
			tree.add(f, i)
			if !matched && Matches(f, topic) {
				want, matched = i, true
			}
		}
		if got, ok := tree.find(topic); got != want || ok != matched {
			t.Fatalf("topic %q among %q: found %d, %v; want %d, %v", topic, list, got, ok, want, matched)
		}
	})
}
