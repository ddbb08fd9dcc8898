package app

import (
	"errors"
	"strings"
	"testing"
	"time"

	"telltale/devices"
	"telltale/ingest/history/influxtest"
	"telltale/internal/config"
	"telltale/internal/declare"
	"telltale/internal/postgres"
	"telltale/rules"
	"telltale/rules/backtest"
)

func TestABacktestReadsEitherStore(t *testing.T) {
	t.Parallel()
	server := influxtest.Start(t, influxtest.Options{NoFlux: true})
	cfg, db := copyWorld(t, server, server.Database())
	start := time.Date(2026, 11, 18, 22, 0, 0, 0, time.UTC)
	var reports []devices.Report
	for minute := range 30 {
		v := 4.0
		if minute >= 10 && minute < 20 {
			v = 12
		}
		reports = append(reports, devices.Report{Device: "reefer-1", ObservedAt: start.Add(time.Duration(minute) * time.Minute),
			Readings: []devices.Reading{{Metric: "temperature", Value: devices.Number(v)}}})
	}
	if _, _, err := postgres.NewHistory(db).Import(t.Context(), reports); err != nil {
		t.Fatal(err)
	}
	if _, err := CopyHistory(t.Context(), cfg, HistoryCopy{From: "postgres", To: "influx"}); err != nil {
		t.Fatal(err)
	}
	set, err := declare.ParseSources(declare.Source{Name: "rule.yaml", Text: []byte(influxFleet)})
	if err != nil {
		t.Fatal(err)
	}
	input := backtest.Input{Rules: []rules.Rule{*set.Rules[0]}, From: start, To: start.Add(time.Hour)}
	for _, store := range []string{"postgres", "influx"} {
		cfg := cfg
		cfg.History.Store = store
		for _, ids := range [][]string{nil, {"reefer-1"}} {
			result, err := Backtest(t.Context(), cfg, BacktestRequest{Input: input, DeviceIDs: ids})
			if err != nil || len(result.Alarms) != 1 || result.Readings != 30 ||
				!result.Alarms[0].RaisedAt.Equal(start.Add(10*time.Minute)) {
				t.Errorf("%s: %+v, %v", store, result, err)
			}
		}
	}
	for name, ask := range map[string]func() (backtest.Result, error){
		"is not declared": func() (backtest.Result, error) {
			return Backtest(t.Context(), cfg, BacktestRequest{Input: input, DeviceIDs: []string{"nobody"}})
		},
		"--from must be before --to": func() (backtest.Result, error) { return Backtest(t.Context(), cfg, BacktestRequest{}) },
		"history.influx": func() (backtest.Result, error) {
			cfg := cfg
			cfg.History = config.History{Store: "influx"}
			return Backtest(t.Context(), cfg, BacktestRequest{Input: input})
		},
	} {
		if _, err := ask(); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want %q, invalid input", err, name)
		}
	}
}
