package app

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"go.uber.org/zap"

	"telltale/devices"
	"telltale/ingest"
	"telltale/internal/postgres"
	"telltale/internal/views"
)

// importer brings the files of loggers into the log, and keeps what loggers
// noted themselves.
type importer struct {
	db        *postgres.DB
	pipeline  *ingest.Pipeline
	directory func() *devices.Directory
	logger    *zap.Logger
}

// ImportReadings is [console.Importer]'s. What is stored is safe when it
// returns.
func (i *importer) ImportReadings(ctx context.Context, part views.ReadingsImport) (views.ImportResult, error) {
	now := time.Now()
	var result views.ImportResult
	var reports []devices.Report
	var lines []int
	var alarms []views.LoggerAlarm
	reject := func(line int, detail string) {
		result.Rejected = append(result.Rejected, views.Rejection{Line: line, Detail: detail})
	}
	for _, v := range part.Entries {
		e, err := v.Entry()
		if err != nil {
			reject(v.Line, err.Error())
			continue
		}
		if e.Alarm == nil {
			reports = append(reports, devices.Report{
				Device: e.Device, ObservedAt: e.At, ReceivedAt: now,
				Readings: []devices.Reading{{Metric: e.Metric, Value: e.Value}}, Units: []string{e.Unit},
			})
			lines = append(lines, e.Line)
			continue
		}
		if _, declared := i.directory().Device(e.Device); !declared {
			reject(e.Line, fmt.Sprintf("device %s is not declared", e.Device))
			continue
		}
		alarms = append(alarms, views.LoggerAlarm{
			Alarm: *e.Alarm, Device: e.Device, File: part.File, Name: part.Name, Line: e.Line, ImportedAt: now,
		})
	}
	rejections, err := i.store(ctx, part.DryRun, reports, alarms)
	if err != nil {
		return views.ImportResult{}, err
	}
	for _, r := range rejections { // one reading each, so at most one complaint
		reject(lines[r.Index], r.Detail)
	}
	result.Readings, result.Alarms = len(reports)-len(rejections), len(alarms)
	return result, nil
}

func (i *importer) store(ctx context.Context, dryRun bool, reports []devices.Report, alarms []views.LoggerAlarm) ([]ingest.Rejection, error) {
	if dryRun {
		return i.pipeline.WouldImport(reports), nil
	}
	if err := i.db.KeepLoggerAlarms(ctx, alarms); err != nil {
		return nil, err
	}
	return i.pipeline.Import(ctx, reports)
}

// importEvery is how often the gateway looks for what commands beside it want
// to import.
const importEvery = time.Second

// run takes the parts of files that commands left in the database.
func (i *importer) run(ctx context.Context) error {
	ticker := time.NewTicker(importEvery)
	defer ticker.Stop()
	for {
		taken, err := i.db.TakeImport(ctx, func(part views.ReadingsImport) (views.ImportResult, error) {
			return i.ImportReadings(ctx, part)
		})
		if err != nil && ctx.Err() == nil {
			i.logger.Warn("import not taken, will be tried again", zap.Error(err))
		}
		if taken {
			continue
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// errNoGateway says why a command beside the gateway imports nothing.
var errNoGateway = errors.New("no gateway runs on these data: start it first, for readings go through its log")

// importPoll is how often a command looks whether its part is taken.
const importPoll = 50 * time.Millisecond

// ImportReadings has the running gateway store a part of a logger's file.
func (a *Admin) ImportReadings(ctx context.Context, part views.ReadingsImport) (views.ImportResult, error) {
	if err := a.gatewayRuns(ctx); err != nil {
		return views.ImportResult{}, err
	}
	id, err := a.db.RequestImport(ctx, part)
	if err != nil {
		return views.ImportResult{}, err
	}
	ticker := time.NewTicker(importPoll)
	defer ticker.Stop()
	for {
		result, done, err := a.db.FinishedImport(ctx, id)
		if err == nil && !done {
			err = a.gatewayRuns(ctx)
		}
		if err != nil || done {
			return result, errors.Join(err, a.withdraw(ctx, id, err))
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return result, errors.Join(ctx.Err(), a.withdraw(ctx, id, ctx.Err()))
		}
	}
}

func (a *Admin) withdraw(ctx context.Context, id int64, cause error) error {
	if cause == nil {
		return nil
	}
	return a.db.WithdrawImport(context.WithoutCancel(ctx), id)
}

func (a *Admin) gatewayRuns(ctx context.Context) error {
	running, err := a.db.NodesBehind(ctx, math.MaxInt64) // all that run
	if err == nil && running == 0 {
		return invalid{errNoGateway}
	}
	return err
}
