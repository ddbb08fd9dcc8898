package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/internal/config"
	"telltale/internal/postgres"
	"telltale/rules/backtest"
)

// BacktestRequest says what is played.
type BacktestRequest struct {
	backtest.Input

	DeviceIDs   []string // whose history; empty: of all
	AgainstLive bool     // compare with the declared rules of the same ids
}

// Backtest plays the stored history, whichever store keeps it, from From to
// before To. Models and devices are those declared, with the models of the
// input on top, and so is planned work. What is declared besides and inhibits
// the rules is played too.
func Backtest(ctx context.Context, cfg config.Config, request BacktestRequest) (_ backtest.Result, err error) {
	input := request.Input
	if input.From.IsZero() || !input.From.Before(input.To) {
		return backtest.Result{}, invalid{errors.New("--from must be before --to")}
	}
	a, err := OpenAdmin(ctx, cfg)
	if err != nil {
		return backtest.Result{}, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	var stored archive = postgres.NewHistory(a.db)
	if cfg.History.Store == "influx" {
		far, err := openInflux(cfg)
		if err != nil {
			return backtest.Result{}, err
		}
		defer far.Close()
		stored = far
	}

	declared, err := a.db.LoadDeclarations(ctx)
	if err != nil {
		return backtest.Result{}, err
	}
	input.Beside = declared.Rules
	if request.AgainstLive {
		input.CompareWithLive(declared.Rules)
	}
	input.Models = slices.Concat(declared.Directory.Models(), input.Models) // of two with one id the later counts
	input.Devices = slices.SortedFunc(declared.Directory.Devices(), devices.Compare)
	planned, err := a.db.LoadMaintenance(ctx)
	if err != nil {
		return backtest.Result{}, err
	}
	input.Maintenance = append(planned, input.Maintenance...)
	ids := make([]devices.ID, len(request.DeviceIDs))
	for i, id := range request.DeviceIDs {
		ids[i] = devices.ID(id)
		if _, ok := declared.Directory.Device(ids[i]); !ok {
			return backtest.Result{}, invalid{fmt.Errorf("device %s is not declared", id)}
		}
	}
	result, err := backtest.Play(ctx, input, history.Stretches(ctx, stored, ids, input.From, input.To))
	var wrong *backtest.InputError
	if errors.As(err, &wrong) {
		return result, invalid{err}
	}
	return result, err
}
