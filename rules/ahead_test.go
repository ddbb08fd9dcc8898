package rules

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
)

// Reading ahead changes nothing, be it of devices that are new, or that are not
// declared, or of readings that fill a ring for the first time.
func TestABatchDecidesWhatItsReportsDecideOneByOne(t *testing.T) {
	t.Parallel()
	for _, lateness := range []time.Duration{0, 10 * time.Minute} {
		atOnce := func(i int) Rule {
			r := benchRule(i)
			r.For = 0
			return r
		}
		set, ids := benchSet(t, atOnce, 70, 0, cached+50, lateness)
		ids = append(ids, "nobody")
		batched, single := NewEngine(set), NewEngine(set)
		random := rand.New(rand.NewPCG(1, 2))
		now := start
		var together, apart []Transition
		for range 200 {
			batch := make([]devices.Report, 100)
			now = now.Add(20 * time.Second)
			for i := range batch {
				device := random.IntN(len(ids))
				metrics := map[string]any{"temperature": benchTemperature(random, device, now)}
				if random.IntN(5) == 0 {
					metrics = map[string]any{"mode": "eco"}
				}
				batch[i] = reportOf(ids[device], now.Add(time.Duration(i)*time.Millisecond), metrics)
				batch[i].ReceivedAt = now
			}
			together = append(together, batched.Apply(batch, now, nil)...)
			for i := range batch {
				apart = append(apart, single.Apply(batch[i:i+1], now, nil)...)
			}
		}
		repeats := func(t Transition) bool { return t.Change == Repeated } // told once for each call
		together, apart = slices.DeleteFunc(together, repeats), slices.DeleteFunc(apart, repeats)
		if len(batched.devices) < cached || len(together) == 0 {
			t.Fatalf("%d devices, %d transitions", len(batched.devices), len(together))
		}
		if diff := cmp.Diff(apart, together); diff != "" {
			t.Errorf("lateness %s (-one by one +batch)\n%s", lateness, diff)
		}
	}
}
