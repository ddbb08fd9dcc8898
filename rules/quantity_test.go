package rules

import (
	"testing"
)

func TestARuleMaySpeakInOtherUnitsThanTheModel(t *testing.T) {
	t.Parallel()
	known := map[string]any{"temperature": 8.0}
	for _, c := range []struct {
		condition string
		want      truth
	}{
		{"temperature > degF(46)", yes}, // 7.78 °C
		{"temperature > degF(47)", no},  // 8.33 °C
		{"temperature == degF(46.4)", yes},
		{"degF(46) < temperature < K(281.2)", yes},
		{"temperature < degF(-40)", no},
	} {
		if got := evaluateCondition(t, c.condition, known); got != c.want {
			t.Errorf("%s is %v, want %v", c.condition, got, c.want)
		}
	}
}

func TestADifferenceConvertsWithoutTheZeroOfItsScale(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "jump", Version: 1, When: `delta(temperature, "5m") > degF(9)`}) // 5 degrees Celsius
	s.series(0, 4, 4, 4, 4, 4, 4, 9, 9.5)
	s.want(change{"jump", "raised", 7})
	if got, want := s.got[0].Explanation[0], `delta(temperature, "5m") 5.5 > degF(9) = 5 at 10:07:00 UTC (rule jump v1)`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
