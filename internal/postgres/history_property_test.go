package postgres_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/internal/postgres"
)

// However readings arrive (late, repeated, contradicting each other, around
// restarts, takeovers and commits that were cut off), exactly the first one of
// each device, metric and time is in the history.
func TestHistoryHoldsTheFirstReadingOfEachTimeOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var fleets atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		run := &historyRun{f: f, fleet: fleets.Add(1), first: make(map[reading]float64)}
		for i := range 2 {
			f.declare(run.device(i))
		}
		f.acquire() // a store that knows other devices only
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			switch rapid.SampledFrom([]string{"write", "write", "write", "cut off", "restart", "takeover"}).Draw(rt, "step") {
			case "write":
				run.write(rt)
			case "cut off":
				run.cutOff(rt)
			case "restart":
				f.store = postgres.NewHistory(f.db)
			case "takeover":
				f.acquire()
			}
		}
		run.check(rt)
	})
}

// reading is what may be stored once.
type reading struct {
	device devices.ID
	metric string
	at     time.Time
}

// historyRun is one run of the property, with devices of its own.
type historyRun struct {
	f     *fixture
	fleet int64
	seq   uint64
	first map[reading]float64
}

func (r *historyRun) device(i int) devices.ID { return devices.ID(fmt.Sprintf("d%d-%d", r.fleet, i)) }

var propertyMetrics = []string{"a", "b"}

func (r *historyRun) reports(rt *rapid.T) []devices.Report {
	reports := make([]devices.Report, rapid.IntRange(0, 12).Draw(rt, "reports"))
	for i := range reports {
		// A few times on both sides of midnight, so that they meet often.
		at := rapid.IntRange(-3, 3).Draw(rt, "half days") * 12 * 60
		at += rapid.IntRange(0, 2).Draw(rt, "minutes")
		reports[i] = report(r.device(rapid.IntRange(0, 1).Draw(rt, "device")), at)
		for _, metric := range propertyMetrics {
			if rapid.Bool().Draw(rt, "has "+metric) {
				value := rapid.Float64Range(-100, 100).Draw(rt, "value")
				reports[i].Readings = append(reports[i].Readings, devices.Reading{Metric: metric, Value: devices.Number(value)})
			}
		}
	}
	return reports
}

// expect takes reports into the model.
func (r *historyRun) expect(reports []devices.Report) {
	for _, rep := range reports {
		for _, one := range rep.Readings {
			key := reading{rep.Device, one.Metric, rep.ObservedAt}
			if _, known := r.first[key]; !known {
				r.first[key] = one.Value.Number
			}
		}
	}
}

func (r *historyRun) write(rt *rapid.T) {
	reports := r.reports(rt)
	before := len(r.first)
	r.expect(reports)
	r.seq++
	written, err := r.f.store.Write(r.f.t.Context(), []history.Chunk{r.f.chunk(r.position(), reports...)})
	if err != nil {
		rt.Fatal(err)
	}
	if want := int64(len(r.first) - before); written.Stored != want {
		rt.Fatalf("%d readings stored, want %d", written.Stored, want)
	}
}

// position keeps positions rising over all runs in one database.
func (r *historyRun) position() uint64 { return uint64(r.fleet)<<32 | r.seq }

// cutOff writes with a time limit that may end anywhere, as when the database
// goes away, and then the same again, as the writer does.
func (r *historyRun) cutOff(rt *rapid.T) {
	reports := r.reports(rt)
	r.expect(reports)
	r.seq++
	limit := time.Duration(rapid.IntRange(0, 8000).Draw(rt, "microseconds")) * time.Microsecond
	ctx, cancel := context.WithTimeout(r.f.t.Context(), limit)
	defer cancel()
	chunks := []history.Chunk{r.f.chunk(r.position(), reports...)}
	if _, err := r.f.store.Write(ctx, chunks); err == nil {
		return
	}
	if _, err := r.f.store.Write(r.f.t.Context(), chunks); err != nil {
		rt.Fatal(err)
	}
}

func (r *historyRun) check(rt *rapid.T) {
	got := make(map[reading]float64)
	for i := range 2 {
		for _, metric := range propertyMetrics {
			for _, p := range r.f.points(r.device(i), metric) {
				key := reading{r.device(i), metric, p.T}
				if _, twice := got[key]; twice {
					rt.Errorf("%v is stored twice", key)
				}
				got[key] = p.Value.Number
			}
		}
	}
	if diff := cmp.Diff(r.first, got); diff != "" {
		rt.Errorf("history (-want +got):\n%s", diff)
	}
}
