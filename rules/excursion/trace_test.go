package excursion_test

import (
	"testing"
	"time"

	"telltale/devices"
	"telltale/devices/shipments"
	"telltale/rules/excursion"
)

// origin is when the shipments of the tests depart.
var origin = time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)

// later is long after everything in the tests.
var later = origin.AddDate(1, 0, 0)

func at(d time.Duration) time.Time { return origin.Add(d) }

// run is a value that is repeated.
type run struct {
	n int
	c float64
}

// series makes points every step from origin.
func series(step time.Duration, runs ...run) []excursion.Point {
	var points []excursion.Point
	for _, r := range runs {
		for range r.n {
			points = append(points, excursion.Point{At: at(time.Duration(len(points)) * step), C: r.c})
		}
	}
	return points
}

func shipment(loggers ...shipments.Logger) *shipments.Shipment {
	if loggers == nil {
		loggers = []shipments.Logger{logger("reefer-1", 0, 0)}
	}
	return &shipments.Shipment{ID: "S-1", DepartedAt: origin, Loggers: loggers}
}

// logger watches from and until as distances from origin; until zero: still.
func logger(id devices.ID, from, until time.Duration) shipments.Logger {
	l := shipments.Logger{Device: id, Metric: "temperature", From: at(from)}
	if until != 0 {
		l.Until = at(until)
	}
	return l
}

func profile(budgets ...shipments.Budget) *shipments.StorageProfile {
	return &shipments.StorageProfile{ID: "vaccine-2-8", Limits: shipments.Limits{Min: 2, Max: 8}, Budgets: budgets}
}

func budget(side shipments.Side, limit float64, allowed time.Duration, cumulative bool) shipments.Budget {
	return shipments.Budget{Side: side, Limit: limit, For: allowed, Cumulative: cumulative, Verdict: shipments.Reject}
}

// assess judges points of the shipment's only logger at a live end.
func assess(p *shipments.StorageProfile, points []excursion.Point) excursion.Assessment {
	return excursion.Assess(shipment(), p, excursion.Trace{"reefer-1": points}, later)
}

func wantUsed(t *testing.T, a excursion.Assessment, want time.Duration) {
	t.Helper()
	if got := a.Budgets[0].UsedSeconds; got != want.Seconds() {
		t.Errorf("used %v s, want %v s (%s)", got, want.Seconds(), want)
	}
}

func wantVerdict(t *testing.T, a excursion.Assessment, want shipments.Verdict) {
	t.Helper()
	if a.Verdict != want {
		t.Errorf("verdict %s, want %s; because:\n%v", a.Verdict, want, a.Explanation)
	}
}
