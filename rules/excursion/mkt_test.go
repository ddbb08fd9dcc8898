package excursion_test

import (
	"math"
	"testing"
	"time"

	"telltale/devices/shipments"
	"telltale/rules/excursion"
)

// exactly10000K makes dH/R 10,000 K, as in the published examples, which
// round the gas constant.
const exactly10000K = 83.14472

func TestMKTByHand(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		celsius []float64
		weights []float64
		want    float64
	}{
		{"constant 5", []float64{5}, []float64{1}, 5},
		{"2 and 8 for equal times", []float64{2, 8}, []float64{1, 1}, 5.5364},
		{"three quarters at 5, one at 15", []float64{5, 15}, []float64{3, 1}, 8.7859},
		{"23 h at 5 and 1 h at 15", []float64{5, 15}, []float64{23, 1}, 5.7635},
		{"18 h at 5 and 6 h at 14", []float64{5, 14}, []float64{18, 6}, 8.2852},
		{"a burst counted by samples instead of time", []float64{5, 14}, []float64{18, 60}, 12.6085},
		{"29 d at 22.5 and 1 d at 30", []float64{22.5, 30}, []float64{29, 1}, 22.8738},
		{"29 d at 25 and 1 d at 40", []float64{25, 40}, []float64{29, 1}, 26.1130},
		{"2, 2, 5, 8, 8, 8, 8", []float64{2, 2, 5, 8, 8, 8, 8}, []float64{1, 1, 1, 1, 1, 1, 1}, 6.25},
		{"4, 4, 4, 4, 16", []float64{4, 4, 4, 4, 16}, []float64{1, 1, 1, 1, 1}, 8.11},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tolerance := 0.00006
			if c.want == math.Round(c.want*100)/100 && c.want != 5 {
				tolerance = 0.005 // given to two places
			}
			if got := excursion.MKT(c.celsius, c.weights, exactly10000K); math.Abs(got-c.want) > tolerance {
				t.Errorf("MKT = %.5f, want %.4f", got, c.want)
			}
		})
	}
}

func mktProfile(limit float64, window time.Duration) *shipments.StorageProfile {
	p := profile()
	p.Limits = shipments.Limits{Min: -100, Max: 100}
	p.MKT = &shipments.MKT{Max: limit, Window: window, ActivationEnergy: exactly10000K}
	return p
}

func wantMKT(t *testing.T, a excursion.Assessment, want float64) {
	t.Helper()
	if a.MKT == nil {
		t.Fatalf("no MKT, want %.4f", want)
	}
	if math.Abs(*a.MKT-want) > 0.00006 {
		t.Errorf("MKT = %.5f, want %.4f", *a.MKT, want)
	}
}

func TestABurstOfReadingsWeighsNoMoreThanItsTime(t *testing.T) {
	t.Parallel()
	points := series(time.Hour, run{18, 5}, run{6, 14}, run{1, 14})
	for i := range 60 { // a burst within the last hour
		points = append(points, excursion.Point{At: at(23*time.Hour + time.Duration(i+1)*time.Second), C: 14})
	}
	a := assess(mktProfile(8, 24*time.Hour), points)
	wantMKT(t, a, 8.2852)
	wantVerdict(t, a, shipments.Review)
}

func TestTheWorstWindowCounts(t *testing.T) {
	t.Parallel()
	// Two days at 2 °C around a day of which 18 h at 5 and 6 h at 14.
	warmDay := series(time.Hour, run{24, 2}, run{18, 5}, run{6, 14}, run{24, 2}, run{1, 2})
	wantMKT(t, assess(mktProfile(8, 24*time.Hour), warmDay), 8.2852)

	// The worst day begins in the middle of a reading's time.
	odd := []excursion.Point{{At: at(0), C: 2}, {At: at(100 * time.Hour), C: 15}, {At: at(101 * time.Hour), C: 2}, {At: at(102 * time.Hour), C: 2}}
	wantMKT(t, assess(mktProfile(8, 24*time.Hour), odd), excursion.MKT([]float64{2, 15}, []float64{23, 1}, exactly10000K))
}

func TestALiveTraceShorterThanTheWindowIsNotJudgedYet(t *testing.T) {
	t.Parallel()
	points := series(time.Hour, run{3, 20})
	live := assess(mktProfile(8, 24*time.Hour), points)
	wantMKT(t, live, 20)
	wantVerdict(t, live, shipments.OK)

	arrived := shipment()
	arrived.ArrivedAt = at(3 * time.Hour)
	done := excursion.Assess(arrived, mktProfile(8, 24*time.Hour), excursion.Trace{"reefer-1": points}, later)
	wantMKT(t, done, 20)
	wantVerdict(t, done, shipments.Review)
}

func TestAnActivationEnergyIsTheProductsOwn(t *testing.T) {
	t.Parallel()
	points := series(time.Hour, run{12, 2}, run{12, 8}, run{1, 8})
	mild, steep := mktProfile(8, 24*time.Hour), mktProfile(8, 24*time.Hour)
	mild.MKT.ActivationEnergy, steep.MKT.ActivationEnergy = 10, 200
	m, s := assess(mild, points), assess(steep, points)
	if *m.MKT <= 5 || *m.MKT >= *s.MKT {
		t.Errorf("MKT %v with 10 kJ/mol, %v with 200; want both above the mean of 5 and the second higher", *m.MKT, *s.MKT)
	}
}

// TestTheWorstWindowAgreesWithBruteForce slides the window in small steps.
func TestTheWorstWindowAgreesWithBruteForce(t *testing.T) {
	t.Parallel()
	const window = 5 * time.Hour
	var points []excursion.Point
	for i, c := range []float64{4, 9, 3, 12, 12, 2, 15, 1, 7, 11, 13, 4, 4} {
		points = append(points, excursion.Point{At: at(time.Duration(i*i) * 7 * minute), C: c})
	}
	best := math.Inf(-1)
	end := points[len(points)-1].At
	for begin := origin; !begin.Add(window).After(end); begin = begin.Add(minute) {
		var values, weights []float64
		for m := begin; m.Before(begin.Add(window)); m = m.Add(minute) {
			i := 0
			for i+1 < len(points) && !points[i+1].At.After(m) {
				i++
			}
			values, weights = append(values, points[i].C), append(weights, 1)
		}
		best = max(best, excursion.MKT(values, weights, exactly10000K))
	}
	wantMKT(t, assess(mktProfile(8, window), points), best)
}
