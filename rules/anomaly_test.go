package rules

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unsafe"

	"telltale/devices"
)

// ordinary is a temperature that rises and falls with the day and a little by
// chance, in a place of its own.
func ordinary(random *rand.Rand, minutes float64) float64 {
	return 70 + 5*math.Sin(minutes/1440*2*math.Pi) + 0.8*random.NormFloat64()
}

// learnOrdinary plays an ordinary metric every two minutes for some days.
func learnOrdinary(s *story, days float64) (random *rand.Rand, end float64) {
	random = rand.New(rand.NewPCG(1, 2))
	for end = 0; end < days*1440; end += 2 {
		s.report(end, map[string]any{"raw": math.Round(10*ordinary(random, end)) / 10})
	}
	return random, end
}

func TestAnAnomalyIsAnAlarmThatSaysWhatItWasMeasuredAgainst(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "odd", Version: 1, When: "anomaly(raw) > 0.9", ClearFor: time.Hour})
	random, now := learnOrdinary(s, 10)
	if len(s.got) != 0 {
		t.Fatalf("ordinary days led to %+v", s.got)
	}
	for end := now + 180; now < end; now += 2 {
		s.report(now, map[string]any{"raw": math.Round(10*(ordinary(random, now)+12)) / 10})
	}
	if len(s.got) == 0 || s.got[0].Change != Raised {
		t.Fatalf("a shift by twelve degrees led to %+v", s.got)
	}
	if late := s.got[0].At.Sub(minute(now - 180)); late > time.Hour {
		t.Errorf("raised after %s", late)
	}
	const want = "anomaly(raw) 0.949 (expected 70.7 ± 2.1 at this hour, got 80.8: strayed 1.3 times as far above as on a usual day) > 0.9 at "
	if got := s.got[0].Explanation[0]; !strings.HasPrefix(got, want) {
		t.Errorf("explanation\n %s, want\n %s", got, want)
	}
	for end := now + 1440; now < end; now += 2 {
		s.report(now, map[string]any{"raw": math.Round(10*ordinary(random, now)) / 10})
	}
	if last := s.got[len(s.got)-1]; last.Change != Cleared {
		t.Errorf("a day after it is over: %+v", last)
	}
}

func TestAStuckAndANoisySensorAreAnomalies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		sense func(random *rand.Rand, now, last float64) float64
		want  string
	}{
		{"stuck", func(_ *rand.Rand, _, last float64) float64 { return last }, "times as still as on a usual day)"},
		{"noisy", func(random *rand.Rand, now, _ float64) float64 { return ordinary(random, now) + 4*random.NormFloat64() },
			"times as restless as on a usual day)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t, Rule{ID: "odd", Version: 1, When: "anomaly(raw) > 0.9"})
			random, now := learnOrdinary(s, 10)
			last := 70.0
			for end := now + 600; now < end && len(s.got) == 0; now += 2 {
				last = c.sense(random, now, last)
				s.report(now, map[string]any{"raw": last})
			}
			if len(s.got) == 0 || !strings.Contains(s.got[0].Explanation[0], c.want) {
				t.Errorf("got %+v", s.got)
			}
		})
	}
}

// anomalyOf plays values of one metric, a reading every ten minutes, and
// returns the score after the last.
func anomalyOf(t *testing.T, values ...float64) float64 {
	t.Helper()
	minutes := make([]float64, len(values))
	for i := range minutes {
		minutes[i] = 10 * float64(i)
	}
	return watchWindow(t, "anomaly(temperature)", time.Hour, minutes, values)
}

func TestAnAnomalyIsUnknownInTheProbation(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var values []float64
	for n := range 3*144 + 1 {
		values = append(values, ordinary(random, 10*float64(n)))
	}
	if got := anomalyOf(t, values...); !(got >= 0 && got < 0.9) {
		t.Errorf("after three days the score is %v", got)
	}
	if got := anomalyOf(t, values[:3*144-1]...); got == got {
		t.Errorf("before three days are over the score is %v", got)
	}
	sparse := make([]float64, 99)
	minutes := make([]float64, len(sparse))
	for i := range sparse {
		minutes[i], sparse[i] = 360*float64(i), values[i]
	}
	if got := watchWindow(t, "anomaly(temperature)", 0, minutes, sparse); got == got {
		t.Errorf("after 99 readings in 25 days the score is %v", got)
	}
}

func TestWhatNeverChangedHasNoAnomaly(t *testing.T) {
	t.Parallel()
	constant := make([]float64, 1000)
	if got := anomalyOf(t, constant...); got == got {
		t.Errorf("score %v", got)
	}
	for i := 900; i < 1000; i++ {
		constant[i] = 0.1 // the smallest step that the sensor can show
	}
	if got := anomalyOf(t, constant...); !(got < 0.9) {
		t.Errorf("one step up the score is %v", got)
	}
}

func TestOneSpikeIsNoAnomaly(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var values []float64
	for n := range 8 * 144 {
		values = append(values, ordinary(random, 10*float64(n)))
	}
	values[len(values)-1] = 850
	if got := anomalyOf(t, values...); !(got < 0.9) {
		t.Errorf("score %v", got)
	}
}

func TestAStaleAnomalyIsUnknown(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "odd", When: "anomaly(temperature) > 0.9 or humidity > 50"})
	random, now := rand.New(rand.NewPCG(1, 2)), 0.0
	for ; now < 10*1440; now++ {
		v := ordinary(random, now)
		if now > 10*1440-120 {
			v += 20
		}
		s.report(now, map[string]any{"temperature": v})
	}
	s.want(change{"odd", "raised", s.got[0].At.Sub(start).Minutes()})
	s.report(now+10, map[string]any{"humidity": 40}) // temperature is ten minutes old and the alarm goes on
	if st, _ := s.engine.State(fridgeID, "odd"); st.Phase != "active" {
		t.Errorf("state %+v", st)
	}
}

func TestASwitchHasNoAnomaly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ when, want string }{
		{"anomaly(door_open) > 0.9", "rule r, when 1:9: door_open (a switch) is not a number"},
		{"anomaly(mode) > 0.9", "rule r, when 1:9: mode (a text) is not a number"},
		{"anomaly(temperature + 1) > 0.9", "rule r, when 1:21: anomaly looks at one metric by its name"},
		{"anomaly(temperature, 3) > 0.9", "rule r, when 1:1: anomaly takes one metric (write anomaly(temperature))"},
		{"anomaly() > 0.9", "rule r, when 1:1: anomaly takes one metric (write anomaly(temperature))"},
		{"anomaly(temprature) > 0.9", `rule r, when 1:9: unknown metric "temprature" (did you mean "temperature"?)`},
		{"anomaly(temperature) > degF(4)", "rule r, when 1:24: a number has no unit that degF(4) could be converted to"},
		{"anomaly(temperature)", "rule r, when 1:1: a number is neither true nor false (compare it with something)"},
	} {
		_, err := Compile([]Rule{{ID: "r", When: c.when}}, directoryOf(fridgeID))
		if err == nil || err.Error() != c.want {
			t.Errorf("%s:\n got  %v\n want %s", c.when, err, c.want)
		}
	}
}

// TestABaselineIsSmall holds the docs to the size they state.
func TestABaselineIsSmall(t *testing.T) {
	t.Parallel()
	if got := unsafe.Sizeof(baseline{}); got != 304 {
		t.Errorf("%d bytes", got)
	}
}

func TestASnapshotDoesNotChangeWhatIsLearnt(t *testing.T) {
	t.Parallel()
	set := compile(t, Rule{ID: "odd", When: "anomaly(temperature) > 0.5 or anomaly(humidity) > 0.9", For: 10 * time.Minute})
	random := rand.New(rand.NewPCG(3, 4))
	want, got := NewEngine(set), NewEngine(set)
	differ := 0
	for n := range 6 * 1440 / 5 {
		now := minute(5 * float64(n))
		v := ordinary(random, 5*float64(n))
		if n%300 > 280 {
			v += 10
		}
		reports := []devices.Report{
			reportOf(fridgeID, now, map[string]any{"temperature": v, "humidity": v}),
			reportOf("fridge-2", now, map[string]any{"temperature": -v}),
		}
		if random.IntN(20) == 0 {
			got = restored(t, got, set)
		}
		if len(want.Apply(reports, now, nil)) != len(got.Apply(reports, now, nil)) {
			differ++
		}
	}
	if differ > 0 || string(want.Snapshot(nil)) != string(got.Snapshot(nil)) {
		t.Errorf("%d rounds differ, or the states at the end", differ)
	}
	if b := want.devices[fridgeID].baselines[0]; !b.known() {
		t.Errorf("nothing was learnt: %+v", b)
	}
}

func BenchmarkBaseline(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	values := make([]float64, 1024)
	for i := range values {
		values[i] = ordinary(random, float64(i))
	}
	var learner baseline
	at := start.UnixNano()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		at += int64(time.Minute)
		learner.learn(at, values[n%len(values)])
		learner.score()
	}
}
