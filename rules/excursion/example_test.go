package excursion_test

import (
	"fmt"
	"time"

	"telltale/devices/shipments"
	"telltale/rules/excursion"
)

// A vaccine that may spend ten hours above 8 °C travels for four and is warm
// for two hours and ten minutes of them.
func ExampleAssess() {
	departed := time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)
	shipment := &shipments.Shipment{
		ID: "S-9001", DepartedAt: departed,
		Loggers: []shipments.Logger{{Device: "reefer-3", From: departed}},
	}
	profile := &shipments.StorageProfile{
		ID:     "vaccine-2-8",
		Limits: shipments.Limits{Min: 2, Max: 8},
		Budgets: []shipments.Budget{
			{Side: shipments.Above, Limit: 8, For: 10 * time.Hour, Cumulative: true, Verdict: shipments.Reject},
		},
	}
	var points []excursion.Point
	for i := range 25 {
		celsius := 4.5
		if i >= 6 && i < 19 {
			celsius = 9.5
		}
		points = append(points, excursion.Point{At: departed.Add(time.Duration(i) * 10 * time.Minute), C: celsius})
	}

	now := departed.Add(4 * time.Hour)
	a := excursion.Assess(shipment, profile, excursion.Trace{"reefer-3": points}, now)
	for _, sentence := range a.Explanation {
		fmt.Println(sentence)
	}
	// Output:
	// 25 readings until 2026-11-20 10:00:00 UTC, between 4.5 °C and 9.5 °C.
	// Above 8 °C for 2 h 10 min of 10 h allowed (in all); 7 h 50 min left.
	// Outside 2 to 8 °C for 2 h 10 min, in one stretch.
	// Verdict by profile vaccine-2-8: review, because readings lay outside 2 to 8 °C.
}
