package rules

import "testing"

func TestASelectorChoosesByModelAndTags(t *testing.T) {
	t.Parallel()
	tags := map[string]string{"line": "b"}
	for _, c := range []struct {
		name     string
		selector Selector
		want     bool
	}{
		{"an empty one chooses all", Selector{}, true},
		{"a pattern that fits", Selector{Models: []string{"WM-*", "FR-*"}}, true},
		{"a pattern that does not fit", Selector{Models: []string{"FZ-*"}}, false},
		{"a tag that the device has", Selector{Tags: map[string]string{"line": "b"}}, true},
		{"a tag with another value", Selector{Tags: map[string]string{"line": "a"}}, false},
		{"the model alone is not enough", Selector{Models: []string{"FR-*"}, Tags: map[string]string{"site": "x"}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := c.selector.Selects("FR-200", tags); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
