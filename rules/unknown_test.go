package rules

import (
	"fmt"
	"testing"
	"time"

	"telltale/devices"
)

// The words below stand for what is known to be true, known to be false, and
// not known, as a device would say it.
func threeWays() map[truth]string {
	return map[truth]string{yes: "temperature > 8", no: "temperature < 8", unknown: "humidity > 8"}
}

func TestTruthTablesHoldInTheLanguage(t *testing.T) {
	t.Parallel()
	only := map[string]any{"temperature": 9.0}
	for a, textA := range threeWays() {
		if got := evaluateCondition(t, "not "+textA, only); got != a.not() {
			t.Errorf("not %s is %s", textA, got)
		}
		for b, textB := range threeWays() {
			for _, c := range []struct {
				form string
				want truth
			}{
				{"%s and %s", a.and(b)},
				{"%s or %s", a.or(b)},
				{"(%s) == (%s)", a.equals(b)},
				{"(%s) != (%s)", a.equals(b).not()},
				{"not (%s and %s)", a.not().or(b.not())},
				{"not (%s or %s)", a.not().and(b.not())},
			} {
				condition := fmt.Sprintf(c.form, textA, textB)
				if got := evaluateCondition(t, condition, only); got != c.want {
					t.Errorf("%s is %s, want %s", condition, got, c.want)
				}
			}
		}
	}
}

func TestAChainIsKnownToFailWhenOneLinkFails(t *testing.T) {
	t.Parallel()
	only := map[string]any{"temperature": 9.0}
	for _, c := range []struct {
		condition string
		want      truth
	}{
		{"8 < temperature < 10", yes},
		{"8 < temperature < 9", no},
		{"10 < temperature < other", no}, // whatever the other is
		{"8 < temperature < other", unknown},
		{"other < temperature < 9", no},
		{"other < temperature < 10", unknown},
		{"not 8 < temperature < other", unknown},
		{"not 10 < temperature < other", yes},
		{"1 < 8 < temperature <= 9 < 10", yes},
		{"1 < 8 < temperature < 9 < other", no},
		{"8 <= temperature - 1 <= 8", yes},
		{"9 >= temperature > temperature - 1 >= 8", yes},
	} {
		if got := evaluateCondition(t, c.condition, only); got != c.want {
			t.Errorf("%s is %s, want %s", c.condition, got, c.want)
		}
	}
}

func TestArithmeticOnWhatIsNotKnownIsNotKnown(t *testing.T) {
	t.Parallel()
	only := map[string]any{"temperature": 9.0, "raw": "eco"}
	for _, condition := range []string{
		"humidity + 1 > 0", "1 - humidity > 0", "humidity * 0 == 0", "0 / humidity == 0", "other % humidity == 0", "-humidity < 0",
		"abs(humidity) >= 0", "min(temperature, humidity) < 100", "max(humidity, temperature) > 0", "temperature / 0 > 0", "temperature % 0 == 0",
		"temperature / (temperature - 9) > 0", "raw + 1 > 0", "raw < 3", "humidity in [1, 2]", "not humidity in [1, 2]", "humidity not in [1, 2]",
		`avg(humidity, "10m") >= 0`, `delta(temperature, "10m") >= 0`, `rate(temperature, "10m") >= 0`, `forecast(temperature, "10m") >= 0`,
		"count_where(humidity > 3, 1) >= 0", "since(humidity > 3) >= 0",
	} {
		if got := evaluateWhole(t, condition, only); got != unknown {
			t.Errorf("%s is %s", condition, got)
		}
	}
	for condition, want := range map[string]truth{
		`time_where(humidity > 3, "1h") == 0`: yes, // what is not known is not counted
		`starts(humidity > 3, "1h") == 0`:     yes,
	} {
		if got := evaluateWhole(t, condition, only); got != want {
			t.Errorf("%s is %s", condition, got)
		}
	}
}

// evaluateWhole evaluates a condition in an engine, behind one report.
func evaluateWhole(t *testing.T, condition string, values map[string]any) truth {
	t.Helper()
	e := NewEngine(compile(t, Rule{ID: "r", When: condition}))
	e.Apply([]devices.Report{reportOf(fridgeID, start, values)}, start, nil)
	d := e.devices[fridgeID]
	return d.plan.rules[0].raises(e.prepare(d, d.observed, d.observed))
}

// Each metric goes stale by itself, three minutes after its own last reading.
func TestAMetricGoesStaleByItself(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		age  time.Duration // of the temperature, when the humidity is new
		want truth
	}{
		{0, yes}, {time.Minute, yes}, {3 * time.Minute, yes}, {3*time.Minute + 1, unknown}, {time.Hour, unknown},
	} {
		s := newStory(t, Rule{ID: "r", When: "temperature > 8 and humidity > 30"})
		s.report(0, map[string]any{"temperature": 9.0})
		at := start.Add(c.age)
		r := reportOf(fridgeID, at, map[string]any{"humidity": 40.0})
		s.engine.Apply([]devices.Report{r}, at, nil)
		d := s.engine.devices[fridgeID]
		if got := d.plan.rules[0].raises(s.engine.prepare(d, d.observed, d.observed)); got != c.want {
			t.Errorf("with a temperature of %s ago it is %s, want %s", c.age, got, c.want)
		}
	}
}
