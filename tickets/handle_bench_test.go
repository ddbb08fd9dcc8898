package tickets_test

import (
	"slices"
	"testing"

	"telltale/rules"
)

// BenchmarkStorm measures tickets opened when many devices fail at once, in
// transactions of 100 and of 1,000 transitions, one after the other.
func BenchmarkStorm(b *testing.B) {
	for _, size := range []int{100, 1000} {
		b.Run(map[int]string{100: "100", 1000: "1000"}[size], func(b *testing.B) {
			const fridges = 2000
			s := openShop(b, fridges)
			round := 0
			for b.Loop() {
				round++
				var storm []rules.Transition
				for i := range fridges {
					storm = append(storm, raised("warm", fridge(i+1), noon.AddDate(0, 0, round)))
				}
				for batch := range slices.Chunk(storm, size) {
					s.handle(b, batch...)
				}
				b.StopTimer()
				for batch := range slices.Chunk(storm, size) {
					for i := range batch {
						batch[i] = then(batch[i], rules.Cleared, 1)
					}
					s.handle(b, batch...)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(fridges*round)/b.Elapsed().Seconds(), "tickets/s")
		})
	}
}
