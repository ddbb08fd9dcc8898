package console

import (
	"context"
	"testing"
	"time"

	"telltale/rules/backtest"
)

// clocked are jobs with a clock that stands still until it is set.
func clocked() (*backtestJobs, *time.Time) {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	return newBacktestJobs(func() time.Time { return now }), &now
}

// ended adds a job that is done with so many alarms.
func ended(t *testing.T, b *backtestJobs, alarms int) string {
	t.Helper()
	shown, err := b.add(backtestRequest{csv: "time,device,metric,value"}, "anna")
	if err != nil {
		t.Fatal(err)
	}
	ctx, job := b.next(t.Context())
	b.finish(job, backtest.Result{Alarms: make([]backtest.Alarm, alarms)}, "")
	if ctx.Err() == nil {
		t.Error("the run's context goes on")
	}
	return shown.ID
}

func TestJobsAreForgottenAfterAnHour(t *testing.T) {
	t.Parallel()
	b, now := clocked()
	id := ended(t, b, 1)
	*now = now.Add(backtestKeep)
	job, err := b.job(id)
	if err != nil || job.Result == nil || job.Request.csv != "" {
		t.Errorf("after an hour: %+v, %v", job, err)
	}
	*now = now.Add(time.Second)
	b.prune()
	if len(b.jobs) != 0 {
		t.Error("it is still kept")
	}
	if _, err := b.job(id); err != errNoBacktest { //nolint:errorlint // it is not wrapped
		t.Errorf("a moment later: %v", err)
	}
}

func TestOldResultsMakeRoom(t *testing.T) {
	t.Parallel()
	b, _ := clocked()
	large, larger := ended(t, b, backtestAlarms/2), ended(t, b, backtestAlarms/2)
	if len(b.list()) != 2 {
		t.Fatalf("%d kept, want both", len(b.list()))
	}
	largest := ended(t, b, 2*backtestAlarms) // more than may be kept, but the latest
	if all := b.list(); len(all) != 1 || all[0].ID != largest {
		t.Errorf("kept %d, and of %s and %s one should not be among them", len(all), large, larger)
	}
	for range backtestKept + 3 {
		ended(t, b, 0)
	}
	if n := len(b.list()); n != backtestKept {
		t.Errorf("%d kept, want %d", n, backtestKept)
	}
}

func TestACancelledRunLeavesNoResult(t *testing.T) {
	t.Parallel()
	b, _ := clocked()
	asked, err := b.add(backtestRequest{}, "anna")
	if err != nil {
		t.Fatal(err)
	}
	ctx, job := b.next(t.Context())
	b.note(job, backtest.Progress{Played: 7, Share: 0.5})
	if _, err := b.cancel(asked.ID); err != nil || ctx.Err() != context.Canceled { //nolint:errorlint // as it is
		t.Errorf("%v, the run's context: %v", err, ctx.Err())
	}
	b.finish(job, backtest.Result{}, "")
	if got, _ := b.job(asked.ID); got.State != jobCancelled || got.Result != nil || got.Progress.Played != 7 {
		t.Errorf("job %+v", got)
	}
	if _, next := b.next(t.Context()); next != nil {
		t.Errorf("there is a next: %+v", next)
	}
}
