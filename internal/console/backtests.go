package console

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"telltale/rules/backtest"
)

// Bounds of the backtests that are asked for as jobs. A job is a question and
// not a record: it is kept in memory, for as long as somebody may look at the
// answer, and ends with the process. ADR 0030.
const (
	backtestQueue  = 8         // that wait; each may hold a file of maxDeclaration
	backtestKept   = 50        // that have ended
	backtestKeep   = time.Hour // after the end
	backtestJobFor = time.Hour // that one may take

	// backtestAlarms bounds the alarms of one job, and those of all results
	// together: about a kilobyte each.
	backtestAlarms = 100_000
)

// jobState is where a job is on its way: queued, running, and one of the ends.
type jobState string

// States of a job.
const (
	jobQueued    jobState = "queued"
	jobRunning   jobState = "running"
	jobDone      jobState = "done"
	jobFailed    jobState = "failed"
	jobCancelled jobState = "cancelled"
)

// ended reports whether nothing more will become of the job.
func (s jobState) ended() bool { return s != jobQueued && s != jobRunning }

// backtestJob is a backtest that goes on while nobody waits for the answer.
type backtestJob struct {
	ID      string
	By      string // the actor who asked
	Request backtestRequest

	State      jobState
	AskedAt    time.Time
	StartedAt  time.Time // zero: it has not begun
	FinishedAt time.Time // zero: it has not ended
	Ahead      int       // jobs that come before it; only while it is queued
	Progress   backtest.Progress
	Result     *backtest.Result // when it is done; nobody changes it
	Failure    string           // a sentence, when it failed

	cancel context.CancelFunc // of the run; nil: it does not run
}

// Errors of jobs. What people are told of them is in the one table.
var (
	errNoBacktest    = errors.New("console: no such backtest")
	errBacktestsFull = errors.New("console: too many backtests wait")
)

// backtestJobs are the jobs of this node, in the order they were asked for.
// Safe for concurrent use.
type backtestJobs struct {
	now  func() time.Time
	wake chan struct{} // capacity 1: somebody looks, that is enough

	mu   sync.Mutex
	jobs []*backtestJob
}

func newBacktestJobs(now func() time.Time) *backtestJobs {
	return &backtestJobs{now: now, wake: make(chan struct{}, 1)}
}

// add queues a backtest. The error is errBacktestsFull when too many wait.
func (b *backtestJobs) add(request backtestRequest, by string) (backtestJob, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget()
	waiting := 0
	for _, j := range b.jobs {
		if j.State == jobQueued {
			waiting++
		}
	}
	if waiting >= backtestQueue {
		return backtestJob{}, errBacktestsFull
	}
	job := &backtestJob{ID: "bt-" + strings.ToLower(rand.Text()[:16]), By: by, Request: request, State: jobQueued, AskedAt: b.now()}
	b.jobs = append(b.jobs, job)
	b.look()
	return b.shown(job), nil
}

// look wakes who works on the jobs.
func (b *backtestJobs) look() {
	select {
	case b.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// job returns one as it is now. The error is errNoBacktest.
func (b *backtestJobs) job(id string) (backtestJob, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget()
	job := b.find(id)
	if job == nil {
		return backtestJob{}, errNoBacktest
	}
	return b.shown(job), nil
}

func (b *backtestJobs) find(id string) *backtestJob {
	if i := slices.IndexFunc(b.jobs, func(j *backtestJob) bool { return j.ID == id }); i >= 0 {
		return b.jobs[i]
	}
	return nil
}

// list returns all jobs, the latest first.
func (b *backtestJobs) list() []backtestJob {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget()
	all := make([]backtestJob, 0, len(b.jobs))
	for _, j := range slices.Backward(b.jobs) {
		all = append(all, b.shown(j))
	}
	return all
}

// shown is a copy of a job that says how many are ahead of it.
func (b *backtestJobs) shown(job *backtestJob) backtestJob {
	out := *job
	if job.State == jobQueued {
		for _, j := range b.jobs {
			if j == job {
				break
			}
			if !j.State.ended() {
				out.Ahead++
			}
		}
	}
	return out
}

// cancel ends a job that has not ended. It does not wait until the run has
// noticed. The error is errNoBacktest.
func (b *backtestJobs) cancel(id string) (backtestJob, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	job := b.find(id)
	if job == nil {
		return backtestJob{}, errNoBacktest
	}
	if !job.State.ended() {
		if job.cancel != nil {
			job.cancel()
		}
		b.end(job, jobCancelled)
	}
	return b.shown(job), nil
}

// end notes that a job is over and lets go what only its run needed.
func (b *backtestJobs) end(job *backtestJob, state jobState) {
	job.State, job.FinishedAt, job.cancel = state, b.now(), nil
	job.Request.csv = ""
	b.forget()
}

// next begins the job that has waited longest; nil when none waits. The
// context ends with the job.
func (b *backtestJobs) next(ctx context.Context) (context.Context, *backtestJob) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.jobs, func(j *backtestJob) bool { return j.State == jobQueued })
	if i < 0 {
		return ctx, nil
	}
	job := b.jobs[i]
	ctx, job.cancel = context.WithTimeout(ctx, backtestJobFor)
	job.State, job.StartedAt = jobRunning, b.now()
	return ctx, job
}

// note says how far a running job is.
func (b *backtestJobs) note(job *backtestJob, p backtest.Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	job.Progress = p
}

// finish notes how a run ended. One that was cancelled meanwhile stays so.
func (b *backtestJobs) finish(job *backtestJob, result backtest.Result, failure string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if job.State.ended() {
		return
	}
	job.cancel()
	if failure != "" {
		job.Failure = failure
		b.end(job, jobFailed)
		return
	}
	job.Result, job.Progress.Share, job.Progress.Total = &result, 1, job.Progress.Played
	b.end(job, jobDone)
}

// prune forgets what nobody may look at any more, also when nobody looks.
func (b *backtestJobs) prune() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget()
}

// forget drops jobs that ended long ago, and the oldest results while there
// are too many. The latest result stays, however long it is.
func (b *backtestJobs) forget() {
	old := b.now().Add(-backtestKeep)
	kept, alarms := 0, 0
	gone := make(map[*backtestJob]bool)
	for _, j := range slices.Backward(b.jobs) {
		if !j.State.ended() {
			continue
		}
		if j.Result != nil {
			alarms += len(j.Result.Alarms)
			if c := j.Result.Comparison; c != nil {
				alarms += len(c.Pairs)
			}
		}
		kept++
		gone[j] = j.FinishedAt.Before(old) || kept > backtestKept || kept > 1 && alarms > backtestAlarms
	}
	b.jobs = slices.DeleteFunc(b.jobs, func(j *backtestJob) bool { return gone[j] })
}
