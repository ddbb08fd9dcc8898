package rules

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// compartment is a cold room by the minute: minutes before now are negative.
type compartment struct {
	period, swing, phase float64 // of the compressor's cycle, in minutes and degrees
}

// cycle is the rise and fall around zero.
func (c compartment) cycle(t float64) float64 {
	return c.swing * (2*math.Abs(2*math.Mod(t+c.phase+6000*c.period, c.period)/c.period-1) - 1)
}

const (
	lookBack = 120.0 // minutes, at the horizon of 30 that these tests have
	warming  = 0.08  // degrees per minute
)

// forecastErrors returns by how much the forecast missed what a course became,
// in 200 rooms with noise, ascending.
func forecastErrors(course func(c compartment, t float64) float64, becomes func(c compartment) float64, spikes float64) []float64 {
	missed := make([]float64, 200)
	for seed := range missed {
		random := rand.New(rand.NewPCG(uint64(seed), 1))
		c := compartment{period: 15 + 30*random.Float64(), swing: 1 + random.Float64(), phase: 60 * random.Float64()}
		var r ring
		for t := -lookBack; t <= 0; t++ {
			v := course(c, t) + 0.15*random.NormFloat64()
			if random.Float64() < spikes {
				v += 15
			}
			r.push(sample{at: int64((1000 + t) * float64(time.Minute)), number: v}, int64(lookBack*float64(time.Minute)))
		}
		got := r.forecast(int64(1000*time.Minute), int64(30*time.Minute))
		missed[seed] = math.Abs(got - becomes(c))
	}
	slices.Sort(missed)
	return missed
}

func TestAForecastIsLedAstrayNeitherByNoiseNorByTheCycle(t *testing.T) {
	t.Parallel()
	level := func(v float64) func(compartment) float64 { return func(compartment) float64 { return v } }
	for _, c := range []struct {
		name    string
		course  func(c compartment, t float64) float64
		becomes func(c compartment) float64
		spikes  float64
		half    float64 // of the rooms are missed by no more than this, in degrees
		most    float64 // 19 in 20
	}{
		{"a steady room", func(compartment, float64) float64 { return 4 }, level(4), 0, 0.1, 0.2},
		{"a compressor that cycles by one to two degrees", func(c compartment, t float64) float64 { return 4 + c.cycle(t) }, level(4), 0, 0.3, 0.8},
		{"a room that warms", func(_ compartment, t float64) float64 { return warming * (t + lookBack) }, level(warming * 150), 0, 0.1, 0.2},
		{"one reading in twenty is a spike", func(_ compartment, t float64) float64 { return warming * (t + lookBack) }, level(warming * 150), 0.05, 0.1, 0.3},
		{"the compressor failed an hour ago", func(c compartment, t float64) float64 {
			if t < -60 {
				return c.cycle(t)
			}
			return c.cycle(-60) + warming*(t+60)
		}, func(c compartment) float64 { return c.cycle(-60) + warming*90 }, 0, 0.6, 3},
		{"the warming ended 20 minutes ago", func(_ compartment, t float64) float64 { return warming * (min(t, -20) + lookBack) }, level(warming * 100), 0, 0.5, 4},
		{"the door was open and the room falls back", func(_ compartment, t float64) float64 {
			switch {
			case t <= -20:
				return 4
			case t <= -10:
				return 4 + 0.8*(t+20)
			default:
				return 4 + 8*math.Exp(-(t+10)/8)
			}
		}, func(compartment) float64 { return 4 + 8*math.Exp(-5) }, 0, 0.5, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			missed := forecastErrors(c.course, c.becomes, c.spikes)
			half, most := missed[len(missed)/2], missed[len(missed)*19/20]
			t.Logf("half of the rooms within %.2f, 19 in 20 within %.2f", half, most)
			if half > c.half || most > c.most || math.IsNaN(half) {
				t.Errorf("missed by %.2f and %.2f degrees, want at most %.2f and %.2f", half, most, c.half, c.most)
			}
		})
	}
}

func TestAForecastNeedsAPast(t *testing.T) {
	t.Parallel()
	minutes := []float64{0, 5, 10, 15, 20, 25, 30, 35}
	values := []float64{2, 3, 4, 5, 6, 7, 8, 9}
	for n, want := range map[int]float64{
		7: math.NaN(), // too few readings
		8: 15,
	} {
		if got := watchWindow(t, `forecast(temperature, "30m")`, 0, minutes[:n], values[:n]); !near(got, want) {
			t.Errorf("after %d readings the forecast is %v, want %v", n, got, want)
		}
	}
	if got := watchWindow(t, `forecast(temperature, "40m")`, 0, minutes, values); !math.IsNaN(got) {
		t.Errorf("looking further ahead than back, the forecast is %v", got)
	}
}

func TestAnAlarmIsRaisedBeforeTheLimitIsPassed(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "soon-warm", Version: 1, When: `forecast(temperature, "30m") > 8`})
	for n := range 100 {
		s.report(float64(n), map[string]any{"temperature": 4 + 0.1*max(0, float64(n)-40)})
	}
	if len(s.got) == 0 || s.got[0].Change != Raised {
		t.Fatalf("%d transitions", len(s.got))
	}
	passed := minute(80)
	if lead := passed.Sub(s.got[0].At); lead < 15*time.Minute || lead > 35*time.Minute {
		t.Errorf("told %v before the limit was passed", lead)
	}
}

func BenchmarkForecast(b *testing.B) {
	var r ring
	for i := range 120 {
		r.push(sample{at: int64(i+1) * int64(time.Minute), number: 4 + math.Sin(float64(i)/4)}, int64(2*time.Hour))
	}
	b.ReportAllocs()
	for b.Loop() {
		r.forecast(int64(120*time.Minute), int64(30*time.Minute))
	}
}
