package postgres_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/devices/shipments"
	"telltale/ingest/history"
	"telltale/internal/postgres"
	"telltale/rules/excursion"
	"telltale/tickets/recalls"
)

// remember writes temperatures of a logger into the reading history, a minute
// apart, as the history's own consumer does.
func (c *cold) remember(logger devices.ID, from time.Duration, celsius ...float64) {
	c.t.Helper()
	ctx := c.t.Context()
	epoch, ok, err := c.db.AcquireLease(ctx, history.Consumer, 0, "node", time.Hour)
	if err != nil || !ok {
		c.t.Fatalf("acquire: ok %t, err %v", ok, err)
	}
	var reports []devices.Report
	for i, value := range celsius {
		when := coldStart.Add(from + time.Duration(i)*time.Minute)
		reports = append(reports, devices.Report{
			Device: logger, ObservedAt: when, ReceivedAt: when.Add(time.Second),
			Readings: []devices.Reading{
				{Metric: "temperature", Value: devices.Number(value)},
				{Metric: "humidity", Value: devices.Number(40)},
			},
		})
	}
	seq, err := c.db.Checkpoint(ctx, history.Consumer, 0)
	if err != nil {
		c.t.Fatal(err)
	}
	_, err = postgres.NewHistory(c.db).Write(ctx, []history.Chunk{{Partition: 0, Epoch: epoch, Seq: seq + 1, Reports: reports}})
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *cold) trace() excursion.Trace {
	c.t.Helper()
	trace, err := c.db.LoadTrace(c.t.Context(), "S-1")
	if err != nil {
		c.t.Fatal(err)
	}
	return trace
}

func TestTheTraceOfAShipmentDeclaredLateComesFromTheHistory(t *testing.T) {
	t.Parallel()
	c := newCold(t)
	apply(t, c.db, `
kind: Shipment
id: S-1
profile: vaccine-2-8
departed: 2026-11-20T06:00:00Z
arrived: 2026-11-20T06:06:00Z
loggers:
  - {device: reefer-1, until: 2026-11-20T06:02:00Z}
  - {device: reefer-2, from: 2026-11-20T06:03:00Z}
lots: [{gtin: "05901234123457", lot: A17, quantity: 1}]
`)
	c.remember("reefer-1", -time.Minute, 1, 5, 6, 7)
	c.remember("reefer-2", 0, 1, 1, 1, 4, math.Inf(1), 4.5, 99)
	c.observe("reefer-2", 3*time.Minute, temperature{1, 4}) // the worker had stored this one

	added, err := c.db.BackfillTrace(t.Context(), "S-1")
	if err != nil {
		t.Fatal(err)
	}
	want := excursion.Trace{
		"reefer-1": {{At: coldStart, C: 5}, {At: coldStart.Add(time.Minute), C: 6}},
		"reefer-2": {{At: coldStart.Add(3 * time.Minute), C: 4}, {At: coldStart.Add(5 * time.Minute), C: 4.5}},
	}
	if diff := cmp.Diff(want, c.trace()); diff != "" {
		t.Errorf("trace (-want +got):\n%s", diff)
	}
	if added != 3 {
		t.Errorf("%d points added, want 3", added)
	}
	if again, err := c.db.BackfillTrace(t.Context(), "S-1"); err != nil || again != 0 {
		t.Errorf("a second backfill added %d points, error %v; want none", again, err)
	}
}

func TestCatchingUpWithADeclaration(t *testing.T) {
	t.Parallel()
	c := newCold(t)
	c.now = time.Now() // declarations carry the database's time
	c.remember("reefer-1", 0, slices.Repeat([]float64{9}, 70)...)

	if n := c.catchUp(); n != 1 {
		t.Fatalf("%d shipments caught up with, want the new one", n)
	}
	if r := c.recall(); r.Status != recalls.Proposed {
		t.Errorf("recall is %s, want it proposed from history alone", r.Status)
	}
	if n := c.catchUp(); n != 0 {
		t.Errorf("%d shipments caught up with again", n)
	}

	// A profile that tolerates more.
	apply(t, c.db, `
kind: StorageProfile
id: vaccine-2-8
limits: {min: 2, max: 25}
source: "Stability report SR-119"
`)
	c.now = time.Now()
	if n := c.catchUp(); n != 1 {
		t.Errorf("%d shipments caught up with after their profile changed, want one", n)
	}
	if v := c.summary().Verdict; v != shipments.OK {
		t.Errorf("verdict %s by the new profile, want ok", v)
	}
	if text := strings.Join(c.recall().Explanation, "\n"); !strings.Contains(text, `no budget "above 8 for 1h0m0s cumulative" any more`) {
		t.Errorf("the recall does not say that its ground is gone:\n%s", text)
	}

	c.now = c.now.Add(2 * time.Minute)
	if first, second := c.catchUp(), c.catchUp(); first != 1 || second != 0 {
		t.Errorf("%d and %d looks after the declaration has settled, want one", first, second)
	}
}

func TestCatchingUpWithALoggerWhoseTimeHasEnded(t *testing.T) {
	t.Parallel()
	c := newCold(t)
	c.now = time.Now()
	end := c.now.Add(24 * time.Hour).UTC().Truncate(time.Second)
	apply(t, c.db, `
kind: Shipment
id: S-1
profile: vaccine-2-8
departed: 2026-11-20T06:00:00Z
loggers: [{device: reefer-1, until: `+end.Format(time.RFC3339)+`}]
lots: [{gtin: "05901234123457", lot: A17, quantity: 1200}]
`)
	c.observe("reefer-1", 0, temperature{20, 5})
	c.now = c.now.Add(2 * time.Minute)
	c.catchUp()
	if a := c.summary().Assessment; a.Verdict != shipments.OK || len(a.Gaps) != 0 {
		t.Errorf("%s with gaps %v while it travels, want ok without any", a.Verdict, a.Gaps)
	}

	c.now = end
	if n := c.catchUp(); n != 1 {
		t.Errorf("%d shipments caught up with when the logger's time ended, want one", n)
	}
	if a := c.summary().Assessment; a.Verdict != shipments.Unknown || len(a.Gaps) != 1 || !a.Gaps[0].To.Equal(end) {
		t.Errorf("%s with gaps %v; want unknown with one until the end, for nothing was heard since", a.Verdict, a.Gaps)
	}
}

func (c *cold) catchUp() int {
	c.t.Helper()
	n, err := c.desk.CatchUp(c.t.Context(), 100)
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}
