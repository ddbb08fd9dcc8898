package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"telltale/rules/backtest"
)

// remoteBacktest is a backtest on its way, as the API tells it.
type remoteBacktest struct {
	ID       string `json:"id"`
	State    string `json:"state"`
	Error    string `json:"error"`
	Progress struct {
		Readings  int64 `json:"readings"`
		Estimated int64 `json:"estimated"`
	} `json:"progress"`
	Result *backtest.Result `json:"result"`
}

// Distance of two looks at a job: short at first, for most end at once.
const (
	firstLook = 50 * time.Millisecond
	lastLook  = time.Second

	// cancelPatience bounds the last request, when the command is told to end.
	cancelPatience = 5 * time.Second
)

// Backtest plays rules on the history of the gateway's devices, by its API,
// which takes rules and models. It is a job there: progress is told of it, and
// when ctx ends it is cancelled.
func (r *remote) Backtest(ctx context.Context, c rulesBacktestCmd, progress func(backtest.Progress)) (backtest.Result, error) {
	if c.Against != "" && c.Against != againstLive {
		return backtest.Result{}, invalid(errors.New("with --server compare with live: --against live"))
	}
	texts := make([]string, len(c.Rules))
	for i, file := range c.Rules {
		text, err := os.ReadFile(file)
		if err != nil {
			return backtest.Result{}, invalid(fmt.Errorf("with --server name files, not folders: %w", err))
		}
		texts[i] = string(text)
	}
	asked := map[string]any{
		"rules": strings.Join(texts, "\n---\n"), "from": c.From, "to": c.To, "against": c.Against, "sweep": c.Sweep,
	}
	if len(c.Device) > 0 {
		asked["devices"] = c.Device
	}
	var job remoteBacktest
	if err := r.call(ctx, http.MethodPost, "/backtests", asked, &job); err != nil {
		return backtest.Result{}, err
	}
	return r.awaitBacktest(ctx, job, progress)
}

// awaitBacktest looks at a job until it has ended.
func (r *remote) awaitBacktest(ctx context.Context, job remoteBacktest, progress func(backtest.Progress)) (backtest.Result, error) {
	path := "/backtests/" + job.ID
	for wait := firstLook; ; wait = min(2*wait, lastLook) {
		switch {
		case job.Result != nil:
			return *job.Result, nil
		case job.State == "failed":
			return backtest.Result{}, errors.New(job.Error)
		case job.State == "cancelled":
			return backtest.Result{}, errors.New("the backtest was cancelled")
		}
		progress(backtest.Progress{Read: job.Progress.Readings, Played: job.Progress.Readings, Total: job.Progress.Estimated})
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		err := ctx.Err()
		if err == nil {
			err = r.call(ctx, http.MethodGet, path, nil, &job)
		}
		if err == nil {
			continue
		}
		// Whatever keeps us from the answer, nobody waits for it any more.
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelPatience)
		defer cancel()
		if failed := r.call(last, http.MethodDelete, path, nil, &job); failed != nil {
			return backtest.Result{}, errors.Join(err, fmt.Errorf("cancel the backtest: %w", failed))
		}
		if ctx.Err() != nil {
			err = fmt.Errorf("the backtest was cancelled: %w", ctx.Err())
		}
		return backtest.Result{}, err
	}
}
