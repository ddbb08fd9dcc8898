package console

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/internal/declare"
	"telltale/rules"
	"telltale/rules/backtest"
)

// backtestRequest is what somebody wants played, as it was checked by itself.
type backtestRequest struct {
	input       backtest.Input
	set         *declare.Set // the rules with their places in the text
	csv         string       // readings; "": the history
	devices     []string     // whose history; empty: of all that the rules watch
	againstLive bool
	againstRule string // id of a rule in force to compare with; "": none

	about backtestAbout
}

// backtestAbout is what a page wants to say again of a request.
type backtestAbout struct {
	Rule  string     // the one rule on trial; "" when there are several
	Text  string     // its wording, when it is not the one in force ...
	Trial rules.Rule // ... and what that says
	Sweep string
	Range string // one of the presets, or "" for a stretch of its own

	Against []rules.Rule // what is compared with, as it was in force
}

// AnotherWording reports whether the rule is tried in other words than those in
// force.
func (q backtestRequest) AnotherWording() bool { return q.about.Text != "" }

// asJob is the request with a bound on what is kept of its answer.
func (q backtestRequest) asJob() backtestRequest {
	q.input.MaxAlarms = backtestAlarms
	return q
}

// runBacktests works on the jobs, one at a time, until ctx ends.
func (s *Server) runBacktests(ctx context.Context) {
	for {
		select {
		case <-s.jobs.wake:
		case <-ctx.Done():
			return
		}
		for s.runBacktest(ctx) {
		}
	}
}

// runBacktest does the next job, and reports whether there was one.
func (s *Server) runBacktest(ctx context.Context) bool {
	free, err := s.turn(ctx)
	if err != nil {
		return false
	}
	defer free()
	running, job := s.jobs.next(ctx)
	if job == nil {
		return false
	}
	var result backtest.Result
	failure := internalSentence
	defer func() {
		// A rule that breaks the engine costs its job and not the gateway.
		if v := recover(); v != nil {
			s.log.Error("backtest panicked", zap.Any("panic", v), zap.ByteString("stack", debug.Stack()))
		}
		s.jobs.finish(job, result, failure)
	}()
	request := job.Request
	request.input.Progress = func(p backtest.Progress) { s.jobs.note(job, p) }
	result, err = s.playBacktest(running, request)
	failure = s.backtestFailure(running, err)
	return true
}

// backtestFailure is what people are told of a run that came to nothing; "" for
// one that did.
func (s *Server) backtestFailure(ctx context.Context, err error) string {
	faults := faultsOf(err)
	switch {
	case err == nil:
		return ""
	case faults != nil:
		return strings.Join(faults, "; ")
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("It took longer than %s. Ask for fewer devices or a shorter time.", span(backtestJobFor))
	default:
		_, sentence := s.judge(ctx, err)
		return sentence
	}
}

// turn waits until no other backtest runs: each may take a core, and the memory
// that its bounds allow. Who has had the turn calls free.
func (s *Server) turn(ctx context.Context) (free func(), err error) {
	select {
	case s.backtests <- struct{}{}:
		return func() { <-s.backtests }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// playBacktest plays a file, or the history of devices, on what is declared.
func (s *Server) playBacktest(ctx context.Context, q backtestRequest) (backtest.Result, error) {
	ids, err := s.complete(ctx, &q)
	if err != nil {
		return backtest.Result{}, err
	}
	if q.csv != "" {
		return q.play(ctx, nil)
	}
	return q.play(ctx, s.stretches(ctx, &q.input, ids))
}

// complete adds what is declared to a request, and returns whose history it is
// about.
func (s *Server) complete(ctx context.Context, q *backtestRequest) ([]devices.ID, error) {
	directory, err := s.deps.Declarations.LoadDirectory(ctx)
	if err != nil {
		return nil, err
	}
	in := &q.input
	if in.Beside, err = s.deps.Declarations.LoadRules(ctx); err != nil {
		return nil, err
	}
	if in.Maintenance, err = s.deps.Declarations.LoadMaintenance(ctx); err != nil {
		return nil, err
	}
	if err := q.compare(in.Beside); err != nil {
		return nil, err
	}
	in.Models = slices.Concat(directory.Models(), in.Models) // of two with one id the later counts
	in.Devices = slices.Collect(directory.Devices())
	ids := make([]devices.ID, len(q.devices))
	for i, id := range q.devices {
		ids[i] = devices.ID(id)
		if _, ok := directory.ModelOf(ids[i]); !ok {
			return nil, invalid("body.devices", "names a device that does not exist", id)
		}
	}
	if len(ids) == 0 {
		ids = in.Watched(directory)
	}
	return ids, nil
}

// compare adds the rules to compare with.
func (q *backtestRequest) compare(declared []rules.Rule) error {
	if q.againstLive {
		q.input.CompareWithLive(declared)
	}
	if q.againstRule == "" {
		return nil
	}
	at := slices.IndexFunc(declared, func(r rules.Rule) bool { return r.ID == q.againstRule })
	if at < 0 {
		return invalid("body.against_rule", "names a rule that does not exist", q.againstRule)
	}
	other := declared[at]
	if other.Mode == rules.Off {
		other.Mode = rules.Shadow // it is asked for what it would do
	}
	q.input.Against, q.input.With, q.input.AcrossRules = []rules.Rule{other}, other.ID, true
	return nil
}

// checked finds what is wrong with a request on what is declared now, before
// anybody waits for it, and notes what it is compared with.
func (s *Server) checked(ctx context.Context, q backtestRequest) (backtestRequest, error) {
	complete := q
	ids, err := s.complete(ctx, &complete)
	if err != nil {
		return q, err
	}
	q.about.Against = complete.input.Against
	if q.csv != "" {
		return q, nil // what a file holds decides which models there are
	}
	if len(ids) == 0 {
		return q, invalid("body.rules", "watch no device that is declared", nil)
	}
	return q, complete.fault(backtest.Check(complete.input))
}

// fewDevices is up to how many devices are read one by one; of more, all is
// read and the rest left out, which costs less.
const fewDevices = 200

// stretches reads the history of some devices.
func (s *Server) stretches(ctx context.Context, in *backtest.Input, ids []devices.ID) iter.Seq2[[]devices.Report, error] {
	switch {
	case len(ids) == 0:
		return func(func([]devices.Report, error) bool) {}
	case len(ids) <= fewDevices && len(ids) < len(in.Devices):
		return history.Stretches(ctx, s.deps.Archive, ids, in.From, in.To)
	}
	all := history.Stretches(ctx, s.deps.Archive, nil, in.From, in.To)
	if len(ids) == len(in.Devices) {
		return all
	}
	wanted := make(map[devices.ID]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	return func(yield func([]devices.Report, error) bool) {
		for reports, err := range all {
			reports = slices.DeleteFunc(reports, func(r devices.Report) bool { return !wanted[r.Device] })
			if !yield(reports, err) {
				return
			}
		}
	}
}

// play tells faults of what was sent from those of the store.
func (q *backtestRequest) play(ctx context.Context, stretches iter.Seq2[[]devices.Report, error]) (result backtest.Result, err error) {
	if q.csv != "" {
		result, err = backtest.Run(ctx, q.input, backtest.ReadCSV(strings.NewReader(q.csv)))
	} else {
		result, err = backtest.Play(ctx, q.input, stretches)
	}
	if ctx.Err() != nil {
		return result, ctx.Err()
	}
	return result, q.fault(err)
}

// fault is a problem of the request where err is one: faults of rules by their
// place in the text.
func (q *backtestRequest) fault(err error) error {
	var wrong *backtest.InputError
	var line *backtest.LineError
	if !errors.As(err, &wrong) && !errors.As(err, &line) {
		return err
	}
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return invalid("body", err.Error(), nil)
	}
	var details []error
	for _, one := range joined.Unwrap() {
		var fault *rules.SyntaxError
		if q.set != nil && errors.As(one, &fault) {
			one = q.set.Place(fault)
		}
		details = append(details, &huma.ErrorDetail{Location: "body.rules", Message: one.Error()})
	}
	return huma.NewError(422, "validation failed", details...)
}
