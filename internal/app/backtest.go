package app

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"telltale/devices"
	"telltale/internal/config"
	"telltale/internal/console"
	"telltale/rules/backtest"
)

// maxStoredReadings bounds a backtest, which holds its readings in memory.
const maxStoredReadings = 5_000_000

// Backtest plays the stored history of devices (none named: of all) from
// input.From to before input.To, whichever store keeps it. Models and devices
// are those declared, with the models of the input on top, and so is planned
// work.
func Backtest(ctx context.Context, cfg config.Config, input backtest.Input, ids []string) (_ backtest.Result, err error) {
	if input.From.IsZero() || !input.From.Before(input.To) {
		return backtest.Result{}, invalid{errors.New("a stretch of history is needed: give --from and a later --to")}
	}
	a, err := OpenAdmin(ctx, cfg)
	if err != nil {
		return backtest.Result{}, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	var stored console.History = a.db
	if cfg.History.Store == "influx" {
		far, err := openInflux(cfg)
		if err != nil {
			return backtest.Result{}, err
		}
		defer far.Close()
		stored = far
	}
	directory, err := a.db.LoadDirectory(ctx)
	if err != nil {
		return backtest.Result{}, err
	}
	input.Models = slices.Concat(directory.Models(), input.Models) // of two with one id the later counts
	input.Devices = slices.SortedFunc(directory.Devices(), devices.Compare)
	planned, err := a.db.LoadMaintenance(ctx)
	if err != nil {
		return backtest.Result{}, err
	}
	input.Maintenance = append(planned, input.Maintenance...)
	chosen := input.Devices
	if len(ids) > 0 {
		chosen = nil
		for _, id := range ids {
			device, ok := directory.Device(devices.ID(id))
			if !ok {
				return backtest.Result{}, invalid{fmt.Errorf("device %s is not declared", id)}
			}
			chosen = append(chosen, device)
		}
	}
	return backtest.Run(ctx, input, storedReadings(ctx, stored, directory, chosen, input))
}

// storedReadings yields what is stored of devices, one metric after the other.
func storedReadings(
	ctx context.Context, stored console.History, directory *devices.Directory, chosen []*devices.Device, input backtest.Input,
) iter.Seq2[backtest.Reading, error] {
	return func(yield func(backtest.Reading, error) bool) {
		left := maxStoredReadings
		for _, device := range chosen {
			model, ok := directory.Model(device.Model)
			if !ok {
				continue
			}
			for metric := range model.Metrics {
				points, err := stored.RawPoints(ctx, device.ID, metric, input.From, input.To)
				if left -= len(points); err == nil && left < 0 {
					err = fmt.Errorf("there are more than %d readings: name fewer devices or a shorter time", maxStoredReadings)
				}
				if err != nil {
					yield(backtest.Reading{}, err)
					return
				}
				for _, p := range points {
					if !yield(backtest.Reading{Device: device.ID, Metric: metric, At: p.T, Value: p.Value}, nil) {
						return
					}
				}
			}
		}
	}
}
