package rules

import (
	"testing"

	"telltale/devices"
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
		{"temperature - 2 > degF(42)", yes},          // 6 °C against 5.56
		{"temperature + 2 < degF(50.1)", yes},        // 10 °C against 10.06
		{"temperature - temperature < degF(9)", yes}, // a difference of 5 K
		{"abs(temperature - max(temperature, temperature)) < K(1)", yes},
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

func TestEveryUnitThatIsSuggestedIsKnown(t *testing.T) {
	t.Parallel()
	for _, word := range unitWords() {
		if _, ok := devices.UnitCode(word); !ok {
			t.Errorf("%s is not known", word)
		}
	}
}
