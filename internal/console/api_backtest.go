package console

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telltale/devices"
	"telltale/internal/access"
	"telltale/internal/declare"
	"telltale/rules/backtest"
)

// Bounds of one backtest, which holds its readings in memory.
const (
	maxBacktestPoints = 1_000_000
	backtestFor       = time.Minute
)

type backtestInput struct {
	Body struct {
		Rules    string    `json:"rules" minLength:"1" doc:"rules as YAML documents; models may come along"`
		Readings string    `json:"readings,omitempty" doc:"CSV with the columns time,device,metric,value; left out: the history of devices"`
		Devices  []string  `json:"devices,omitempty" maxItems:"100" doc:"whose history is played; without readings"`
		From     time.Time `json:"from,omitzero" required:"false" doc:"inclusive"`
		To       time.Time `json:"to,omitzero" required:"false" doc:"exclusive"`
	}
}

type backtestView struct {
	Alarms     []backtest.Alarm `json:"alarms"`
	Readings   int64            `json:"readings"`
	Duplicates int64            `json:"duplicates"`
	Suppressed int64            `json:"suppressed" doc:"alarms that an inhibitor or maintenance held back"`
	Devices    int              `json:"devices"`
	From       *time.Time       `json:"from" doc:"of the first reading; null: none"`
	To         *time.Time       `json:"to" doc:"of the last"`
	Assumed    []string         `json:"assumed" doc:"what was not declared and had to be inferred"`
}

type backtestAnswer struct{ Body backtestView }

func (s *rest) registerBacktest() {
	route(s, huma.Operation{
		OperationID: "backtest-rules", Method: http.MethodPost, Path: "/rules/backtest", Tags: []string{"rules"},
		Summary: "Which alarms rules would have raised on readings of the past; changes nothing",
		Description: "Fault codes and presence are not part of the history: conditions on them stay unknown. " +
			"Models and devices that are declared here are used.",
		DefaultStatus: http.StatusOK, MaxBodyBytes: maxDeclaration,
	}, access.Backtest, s.backtest)
}

// backtest runs one at a time: each may take all the memory its bounds allow.
func (s *rest) backtest(ctx context.Context, in *backtestInput) (*backtestAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, backtestFor)
	defer cancel()
	select {
	case s.backtests <- struct{}{}:
		defer func() { <-s.backtests }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	input, err := in.input()
	if err != nil {
		return nil, err
	}
	directory, err := s.deps.Declarations.LoadDirectory(ctx)
	if err != nil {
		return nil, err
	}
	input.Models = slices.Concat(directory.Models(), input.Models) // of two with one id the later counts
	input.Devices = slices.Collect(directory.Devices())
	if input.Maintenance, err = s.deps.Declarations.LoadMaintenance(ctx); err != nil {
		return nil, err
	}
	readings := &pastReadings{in: in, history: s.deps.History, directory: directory}
	if err := readings.check(); err != nil {
		return nil, err
	}
	result, err := backtest.Run(ctx, input, readings.all(ctx))
	switch {
	case readings.failed != nil:
		return nil, readings.failed
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil: // what remains is in what was sent
		return nil, invalid("body", err.Error(), nil)
	}
	return &backtestAnswer{Body: backtestView{
		Alarms: result.Alarms, Readings: result.Readings, Duplicates: result.Duplicates, Suppressed: result.Suppressed, Devices: result.Devices,
		From: orNull(result.From), To: orNull(result.To), Assumed: orEmpty(result.Assumed),
	}}, nil
}

// input reads the rules, and the models that came along.
func (in *backtestInput) input() (backtest.Input, error) {
	out := backtest.Input{From: in.Body.From, To: in.Body.To}
	set, err := declare.ParseSources(declare.Source{Name: "rules", Text: []byte(in.Body.Rules)})
	if err != nil {
		return out, declarationProblem(err)
	}
	if len(set.Rules) == 0 || set.Len() != len(set.Rules)+len(set.Models) {
		return out, invalid("body.rules", "must hold rules, and models at most beside them", nil)
	}
	for _, r := range set.Rules {
		out.Rules = append(out.Rules, *r)
	}
	out.Models = set.Models
	return out, nil
}

// pastReadings are the readings a backtest plays.
type pastReadings struct {
	in        *backtestInput
	history   History
	directory *devices.Directory
	failed    error // of the store, not of what was sent
}

func (p *pastReadings) check() error {
	b := &p.in.Body
	switch {
	case (b.Readings == "") == (len(b.Devices) == 0):
		return invalid("body", "must name either readings or devices", nil)
	case !b.From.IsZero() && !b.To.IsZero() && !b.From.Before(b.To):
		return invalid("body.from", "must be before to", b.From)
	case len(b.Devices) > 0 && (b.From.IsZero() || b.To.IsZero()):
		return invalid("body.from", "from and to are needed for the history", nil)
	}
	for _, id := range b.Devices {
		if _, ok := p.directory.ModelOf(devices.ID(id)); !ok {
			return invalid("body.devices", "names a device that does not exist", id)
		}
	}
	return nil
}

func (p *pastReadings) all(ctx context.Context) iter.Seq2[backtest.Reading, error] {
	if p.in.Body.Readings != "" {
		return backtest.ReadCSV(strings.NewReader(p.in.Body.Readings))
	}
	return func(yield func(backtest.Reading, error) bool) {
		left := maxBacktestPoints
		for _, id := range p.in.Body.Devices {
			model, _ := p.directory.ModelOf(devices.ID(id))
			for metric := range model.Metrics {
				points, err := p.history.RawPoints(ctx, devices.ID(id), metric, p.in.Body.From, p.in.Body.To)
				if err == nil && len(points) > left {
					err = invalid("body", fmt.Sprintf("these devices have more than %d readings in that time: name fewer or a shorter time", maxBacktestPoints), nil)
				}
				if err != nil {
					p.failed = err
					yield(backtest.Reading{}, errors.New("no readings"))
					return
				}
				left -= len(points)
				for _, point := range points {
					if !yield(backtest.Reading{Device: devices.ID(id), Metric: metric, At: point.T, Value: point.Value}, nil) {
						return
					}
				}
			}
		}
	}
}
