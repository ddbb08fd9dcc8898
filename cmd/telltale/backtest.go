package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"telltale/internal/app"
	"telltale/internal/declare"
	"telltale/rules/backtest"
)

type rulesBacktestCmd struct {
	Rules    []string  `required:"" type:"path" help:"Files or folders with the rules; models and devices in them count as well."`
	Readings string    `type:"existingfile" help:"CSV file with the columns time,device,metric,value. Left out: the stored history."`
	Device   []string  `help:"Of the stored history, these devices. Default: all."`
	From     time.Time `help:"Readings from this time on, RFC 3339. Default: of the stored history, 24 hours before --to; of a file, the first."`
	To       time.Time `help:"Readings before this time, RFC 3339. Default: of the stored history, now; of a file, to the last."`
	Against  string    `help:"Compare: 'live' with the rules in force of the same ids, or with those of a file."`
	Sweep    string    `help:"Try several values of a number, such as \"temperature > 7..12 step 1\" or \"for 5m..30m step 5m\"."`
	JSON     bool      `name:"json" help:"Print the result as JSON."`
	target
}

// againstLive is the word for the rules in force.
const againstLive = "live"

// Run plays the readings and prints what would have come of them.
func (c rulesBacktestCmd) Run(ctx context.Context, io *console) error {
	set, err := readRules(c.Rules...)
	if err != nil {
		return err
	}
	assumed := c.bound(time.Now())
	result, err := c.play(ctx, io, set)
	if err != nil {
		return err
	}
	if assumed != "" {
		result.Assumed = append([]string{assumed}, result.Assumed...)
	}
	if c.JSON {
		encoder := json.NewEncoder(io.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(result)
	}
	return printBacktest(io.out, result)
}

// usualStretch is how much of the stored history is played when nobody says.
const usualStretch = 24 * time.Hour

// bound chooses the stretch of the stored history where it is not said, and
// returns a sentence about that; "" when there was nothing to choose.
func (c *rulesBacktestCmd) bound(now time.Time) string {
	if c.Readings != "" || !c.From.IsZero() && !c.To.IsZero() {
		return ""
	}
	if c.To.IsZero() {
		c.To = now.UTC().Truncate(time.Second)
	}
	if c.From.IsZero() {
		c.From = c.To.Add(-usualStretch)
	}
	return fmt.Sprintf("Played from %s to %s; --from and --to choose another stretch.", moment(&c.From), moment(&c.To))
}

// play runs the rules on the file, or on the history that a gateway has.
func (c rulesBacktestCmd) play(ctx context.Context, io *console, set *declare.Set) (backtest.Result, error) {
	meter := newMeter(io.err)
	defer meter.end()
	if c.Server != "" && c.Readings == "" {
		g, err := c.remote()
		if err != nil {
			return backtest.Result{}, err
		}
		return g.Backtest(ctx, c, meter.show)
	}
	input, err := c.input(set)
	if err != nil {
		return backtest.Result{}, err
	}
	input.Progress = meter.show
	if c.Readings != "" {
		return c.playFile(ctx, input, meter)
	}
	cfg, err := c.load(io)
	if err != nil {
		return backtest.Result{}, err
	}
	return app.Backtest(ctx, cfg, app.BacktestRequest{Input: input, DeviceIDs: c.Device, AgainstLive: c.Against == againstLive})
}

func (c rulesBacktestCmd) input(set *declare.Set) (backtest.Input, error) {
	input := backtest.Input{
		Rules: dereference(set.Rules), Models: set.Models, Devices: set.Devices, From: c.From, To: c.To,
		Maintenance: dereference(set.Maintenance),
	}
	if c.Sweep != "" {
		sweep, err := backtest.ParseSweep(c.Sweep)
		if err != nil {
			return input, invalid(fmt.Errorf("--sweep: %w", err))
		}
		input.Sweep = &sweep
	}
	switch {
	case c.Against == "":
	case c.Against == againstLive && c.Readings != "":
		return input, invalid(errors.New("--against live needs the rules in force: leave --readings out, or name a file of rules"))
	case c.Against != againstLive:
		others, err := readRules(c.Against)
		if err != nil {
			return input, err
		}
		input.Against, input.With = dereference(others.Rules), filepath.Base(c.Against)
		input.Models = append(input.Models, others.Models...)
	}
	return input, nil
}

func (c rulesBacktestCmd) playFile(ctx context.Context, input backtest.Input, meter *meter) (backtest.Result, error) {
	file, err := os.Open(c.Readings)
	if err != nil {
		return backtest.Result{}, invalid(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return backtest.Result{}, invalid(err)
	}
	counted := &countingReader{r: file}
	meter.estimate = func(p backtest.Progress) int64 {
		if p.Total > 0 || counted.n == 0 {
			return p.Total
		}
		return int64(float64(p.Read) * float64(info.Size()) / float64(counted.n))
	}
	result, err := backtest.Run(ctx, input, backtest.ReadCSV(counted))
	if err != nil && ctx.Err() == nil {
		return result, invalid(fmt.Errorf("%s: %w", filepath.Base(c.Readings), err))
	}
	return result, err
}
