package console

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telltale/internal/access"
	"telltale/rules/backtest"
)

// backtestJobBody is what a job plays: what can be waited for, and more.
type backtestJobBody struct {
	BacktestBody

	AgainstRule string `json:"against_rule,omitempty" maxLength:"200" doc:"compare with this rule in force, whatever its id: alarms of one device at the same time are the same"`
}

type backtestJobInput struct{ Body backtestJobBody }

// jobView is a job as the API shows it.
type jobView struct {
	ID          string        `json:"id"`
	State       jobState      `json:"state" enum:"queued,running,done,failed,cancelled"`
	RequestedBy string        `json:"requested_by"`
	RequestedAt time.Time     `json:"requested_at"`
	StartedAt   *time.Time    `json:"started_at"`
	FinishedAt  *time.Time    `json:"finished_at"`
	KeptUntil   *time.Time    `json:"kept_until" doc:"at the latest; null: it has not ended"`
	Ahead       int           `json:"ahead" doc:"backtests that come before it"`
	Progress    progressView  `json:"progress"`
	Error       string        `json:"error" doc:"why it failed"`
	Result      *backtestView `json:"result" doc:"when it is done; null in lists"`
}

type progressView struct {
	Readings  int64   `json:"readings" doc:"played so far"`
	Estimated int64   `json:"estimated" doc:"in all; 0: not known yet"`
	Share     float64 `json:"share" doc:"of the stretch of time, or of the file: from 0 to 1"`
}

type jobAnswer struct {
	Location string `header:"Location"`
	Body     jobView
}

func showProgress(p backtest.Progress) progressView {
	return progressView{Readings: p.Played, Estimated: p.Total, Share: p.Share}
}

func showJob(j backtestJob) jobView {
	v := jobView{
		ID: j.ID, State: j.State, RequestedBy: j.By, RequestedAt: j.AskedAt, StartedAt: orNull(j.StartedAt),
		FinishedAt: orNull(j.FinishedAt), Ahead: j.Ahead, Progress: showProgress(j.Progress), Error: j.Failure,
	}
	if j.State.ended() {
		v.KeptUntil = orNull(j.FinishedAt.Add(backtestKeep))
	}
	return v
}

func showWholeJob(j backtestJob) *jobAnswer {
	out := &jobAnswer{Location: "/api/v1/backtests/" + j.ID, Body: showJob(j)}
	if j.Result != nil {
		result := showBacktest(j.Result)
		out.Body.Result = &result
	}
	return out
}

func (s *rest) registerBacktests() {
	tags := []string{"rules"}
	route(s, huma.Operation{
		OperationID: "start-backtest", Method: http.MethodPost, Path: "/backtests", Tags: tags,
		Summary: "Begin a backtest that goes on while nobody waits for it; changes nothing",
		Description: fmt.Sprintf("As backtest-rules, and without devices of all that the rules watch. One runs at a time on a node and %d may wait; "+
			"each may take an hour. What is asked and answered is kept in memory by the node that was asked, for an hour after the end, the latest %d at most.",
			backtestQueue, backtestKept),
		DefaultStatus: http.StatusAccepted, MaxBodyBytes: maxDeclaration,
	}, access.Backtest, s.startBacktest)
	route(s, huma.Operation{
		OperationID: "list-backtests", Method: http.MethodGet, Path: "/backtests", Tags: tags,
		Summary: "The backtests of this node, the latest first, without their results",
	}, access.Backtest, func(context.Context, *struct{}) (*list[jobView], error) {
		return whole(s.jobs.list(), showJob), nil
	})
	route(s, huma.Operation{
		OperationID: "get-backtest", Method: http.MethodGet, Path: "/backtests/{id}", Tags: tags,
		Summary: "One backtest: how far it is, and what came of it",
	}, access.Backtest, s.getBacktest)
	route(s, huma.Operation{
		OperationID: "cancel-backtest", Method: http.MethodDelete, Path: "/backtests/{id}", Tags: tags, DefaultStatus: http.StatusOK,
		Summary:     "Cancel a backtest that has not ended",
		Description: "Whoever asked for it may, and an admin. One that has ended stays as it is.",
	}, access.Backtest, s.cancelBacktest)
}

func (s *rest) startBacktest(ctx context.Context, in *backtestJobInput) (*jobAnswer, error) {
	request, err := in.Body.request()
	if err != nil {
		return nil, err
	}
	if in.Body.Against != "" && in.Body.AgainstRule != "" {
		return nil, invalid("body.against_rule", "and against exclude each other", in.Body.AgainstRule)
	}
	request.againstRule = in.Body.AgainstRule
	job, err := s.askBacktest(ctx, request)
	if err != nil {
		return nil, err
	}
	return showWholeJob(job), nil
}

// askBacktest checks a request and queues it in the name of who asks.
func (s *Server) askBacktest(ctx context.Context, request backtestRequest) (backtestJob, error) {
	request, err := s.checked(ctx, request)
	if err != nil {
		return backtestJob{}, err
	}
	p, _ := principalOf(ctx)
	return s.jobs.add(request.asJob(), p.Actor)
}

func (s *rest) getBacktest(_ context.Context, in *struct {
	ID string `path:"id"`
}) (*jobAnswer, error) {
	job, err := s.jobs.job(in.ID)
	if err != nil {
		return nil, err
	}
	return showWholeJob(job), nil
}

func (s *rest) cancelBacktest(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (*jobAnswer, error) {
	job, err := s.giveUpBacktest(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return showWholeJob(job), nil
}

// giveUpBacktest cancels a job on behalf of who asked for it, or of an admin.
func (s *Server) giveUpBacktest(ctx context.Context, id string) (backtestJob, error) {
	job, err := s.jobs.job(id)
	if err != nil {
		return job, err
	}
	if p, _ := principalOf(ctx); !mayCancel(p, job) {
		return job, huma.Error403Forbidden(fmt.Sprintf("Only %s, who asked for this backtest, or an admin may cancel it.", job.By))
	}
	return s.jobs.cancel(id)
}

func mayCancel(p access.Principal, job backtestJob) bool {
	return p.Actor == job.By || p.Role == access.Admin
}
