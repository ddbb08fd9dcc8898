package recalls_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/devices/shipments"
	"telltale/tickets/recalls"
)

var departed = time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time { return departed.Add(d) }

func report(device devices.ID, when time.Duration, celsius float64) *devices.Report {
	return &devices.Report{
		Device: device, ObservedAt: at(when), ReceivedAt: at(when + time.Second),
		Readings: []devices.Reading{
			{Metric: "battery", Value: devices.Number(97)},
			{Metric: "temperature", Value: devices.Number(celsius)},
		},
	}
}

var vaccine = shipments.StorageProfile{
	ID: "vaccine-2-8", Limits: shipments.Limits{Min: 2, Max: 8},
	Budgets: []shipments.Budget{{Side: shipments.Above, Limit: 7, For: time.Hour, Verdict: shipments.Reject}},
	MKT:     &shipments.MKT{Max: 6, Window: 24 * time.Hour},
	Gaps:    shipments.GapPolicy{LongerThan: 10 * time.Minute, CountAs: shipments.GapUnknown},
}

func watch(all ...shipments.Shipment) *recalls.Watch {
	return recalls.NewWatch(all, []shipments.StorageProfile{vaccine})
}

func oneShipment() shipments.Shipment {
	return shipments.Shipment{
		ID: "S-1", Profile: vaccine.ID, DepartedAt: departed,
		Loggers: []shipments.Logger{{Device: "reefer-1", Metric: "temperature", From: departed}},
	}
}

// TestWhatMakesAShipmentDue plays one story; each line says what is observed
// and whether the shipment is due by it.
func TestWhatMakesAShipmentDue(t *testing.T) {
	t.Parallel()
	w := recalls.NewWatcher(watch(oneShipment()))
	for _, step := range []struct {
		why     string
		at      time.Duration
		celsius float64
		due     bool
	}{
		{"the first point", 0, 5, true},
		{"an ordinary point", 1 * time.Minute, 5, false},
		{"above the limits", 2 * time.Minute, 9, true},
		{"back inside, after a point outside", 3 * time.Minute, 5, true},
		{"ordinary again", 4 * time.Minute, 5, false},
		{"spends a budget inside the limits", 5 * time.Minute, 7.5, true},
		{"after it", 6 * time.Minute, 5, true},
		{"above the bound of the mean kinetic temperature", 7 * time.Minute, 6.5, true},
		{"after that", 8 * time.Minute, 6, true},
		{"ordinary", 9 * time.Minute, 6, false},
		{"late", 8*time.Minute + 30*time.Second, 5, true},
		{"a repetition of the newest", 9 * time.Minute, 6, true},
		{"ordinary after the late ones", 10 * time.Minute, 5, false},
		{"just no gap", 20 * time.Minute, 5, false},
		{"a quarter of an hour since the last look", 24 * time.Minute, 5, true},
		{"after a gap", 34*time.Minute + time.Second, 5, true},
		{"ordinary at the end", 35 * time.Minute, 5, false},
	} {
		points, due := w.Observe(report("reefer-1", step.at, step.celsius))
		if len(points) != 1 {
			t.Fatalf("%s: %d points, want each one kept", step.why, len(points))
		}
		if (len(due) == 1) != step.due {
			t.Errorf("%s: due %v, want %v", step.why, due, step.due)
		}
	}
}

func TestAPointCarriesBothTimes(t *testing.T) {
	t.Parallel()
	points, due := recalls.NewWatcher(watch(oneShipment())).Observe(report("reefer-1", time.Minute, 4.25))
	want := []recalls.TracePoint{{
		Shipment: "S-1", Device: "reefer-1", ObservedAt: at(time.Minute), ReceivedAt: at(time.Minute + time.Second), Celsius: 4.25,
	}}
	if diff := cmp.Diff(want, points); diff != "" {
		t.Errorf("points (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"S-1"}, due); diff != "" {
		t.Errorf("due (-want +got):\n%s", diff)
	}
}

func TestOnlyTheTimesTogetherCount(t *testing.T) {
	t.Parallel()
	s := oneShipment()
	s.Loggers[0].Until = at(time.Hour)
	s.Loggers = append(s.Loggers, shipments.Logger{Device: "reefer-2"}) // from departure, the usual metric
	s.ArrivedAt = at(2 * time.Hour)
	w := recalls.NewWatcher(watch(s))
	for _, c := range []struct {
		device devices.ID
		at     time.Duration
		points int
	}{
		{"reefer-1", -time.Second, 0},
		{"reefer-1", 0, 1},
		{"reefer-1", time.Hour - time.Millisecond, 1},
		{"reefer-1", time.Hour, 0},
		{"reefer-2", 90 * time.Minute, 1},
		{"reefer-2", 2 * time.Hour, 0},
		{"fridge-9", time.Minute, 0},
	} {
		if points, _ := w.Observe(report(c.device, c.at, 5)); len(points) != c.points {
			t.Errorf("%s at %s: %d points, want %d", c.device, c.at, len(points), c.points)
		}
	}
}

func TestWhatIsNoTemperatureIsNoPoint(t *testing.T) {
	t.Parallel()
	w := recalls.NewWatcher(watch(oneShipment()))
	label := report("reefer-1", 0, 0)
	label.Readings[1].Value = devices.Label("defrost")
	silent := report("reefer-1", 0, 0)
	silent.Readings = silent.Readings[:1]
	for name, r := range map[string]*devices.Report{
		"a label": label, "another metric": silent,
		"not a number": report("reefer-1", 0, math.NaN()), "infinite": report("reefer-1", 0, math.Inf(-1)),
	} {
		if points, due := w.Observe(r); points != nil || due != nil {
			t.Errorf("%s: %v, %v; want nothing", name, points, due)
		}
	}
}

func TestADeviceMayTravelWithSeveralShipments(t *testing.T) {
	t.Parallel()
	a, b, unjudged := oneShipment(), oneShipment(), oneShipment()
	b.ID, unjudged.ID, unjudged.Profile = "S-2", "S-3", "no such profile"
	points, due := recalls.NewWatcher(watch(b, a, unjudged)).Observe(report("reefer-1", 0, 5))
	if len(points) != 2 {
		t.Errorf("%d points, want one for each shipment that can be judged", len(points))
	}
	if diff := cmp.Diff([]string{"S-1", "S-2"}, due); diff != "" {
		t.Errorf("due (-want +got):\n%s", diff)
	}
}

func TestANewWatchKeepsWhatIsRemembered(t *testing.T) {
	t.Parallel()
	w := recalls.NewWatcher(watch(oneShipment()))
	w.Observe(report("reefer-1", 0, 5))
	another := oneShipment()
	another.ID = "S-2"
	w.Use(watch(oneShipment(), another))
	if _, due := w.Observe(report("reefer-1", time.Minute, 5)); !cmp.Equal(due, []string{"S-2"}) {
		t.Errorf("due %v, want the new shipment only", due)
	}
	w.Use(watch(another))
	w.Use(watch(oneShipment()))
	if _, due := w.Observe(report("reefer-1", 2*time.Minute, 5)); !cmp.Equal(due, []string{"S-1"}) {
		t.Errorf("due %v, want the shipment that was gone in between", due)
	}
}

func BenchmarkObserveADeviceThatTravelsWithNothing(b *testing.B) {
	w := recalls.NewWatcher(watch(oneShipment()))
	r := report("fridge-9", 0, 5)
	b.ReportAllocs()
	for b.Loop() {
		w.Observe(r)
	}
}
