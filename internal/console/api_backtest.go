package console

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/internal/access"
	"telltale/internal/declare"
	"telltale/rules/backtest"
)

// backtestFor bounds the time that somebody waits for one backtest.
const backtestFor = time.Minute

type backtestInput struct {
	Body struct {
		Rules    string    `json:"rules" minLength:"1" doc:"rules as YAML documents; models may come along"`
		Readings string    `json:"readings,omitempty" doc:"CSV with the columns time,device,metric,value; left out: the history of devices"`
		Devices  []string  `json:"devices,omitempty" nullable:"false" maxItems:"100" doc:"whose history is played; without readings"`
		From     time.Time `json:"from,omitzero" required:"false" doc:"inclusive"`
		To       time.Time `json:"to,omitzero" required:"false" doc:"exclusive"`
		Against  string    `json:"against,omitempty" enum:"live," doc:"live: compare with the rules in force of the same ids"`
		Sweep    string    `json:"sweep,omitempty" maxLength:"1000" doc:"several values of a number: temperature > 7..12 step 1, or for 5m..30m step 5m"`
	}
}

type backtestView struct {
	Alarms     []backtest.Alarm     `json:"alarms"`
	Readings   int64                `json:"readings"`
	Duplicates int64                `json:"duplicates"`
	Suppressed int64                `json:"suppressed" doc:"alarms that an inhibitor or maintenance held back"`
	Devices    int                  `json:"devices"`
	From       *time.Time           `json:"from" doc:"of the first reading; null: none"`
	To         *time.Time           `json:"to" doc:"of the last"`
	Assumed    []string             `json:"assumed" doc:"what was not declared and had to be inferred"`
	Figures    backtest.Figures     `json:"figures"`
	Comparison *backtest.Comparison `json:"comparison" doc:"null: nothing was compared"`
	Sweep      []backtest.SweepStep `json:"sweep" doc:"in the order of the values"`
}

type backtestAnswer struct{ Body backtestView }

func (s *rest) registerBacktest() {
	route(s, huma.Operation{
		OperationID: "backtest-rules", Method: http.MethodPost, Path: "/rules/backtest", Tags: []string{"rules"},
		Summary: "Which alarms rules would have raised on readings of the past; changes nothing",
		Description: "Fault codes and presence are not part of the history: conditions on them stay unknown. " +
			"Models and devices that are declared here are used. It ends when whoever asked goes away, and after a minute.",
		DefaultStatus: http.StatusOK, MaxBodyBytes: maxDeclaration,
	}, access.Backtest, s.backtest)
}

// backtest runs one at a time: each may take a core, and the memory that its
// bounds allow.
func (s *rest) backtest(ctx context.Context, in *backtestInput) (*backtestAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, backtestFor)
	defer cancel()
	input, err := in.input()
	if err != nil {
		return nil, err
	}
	result, err := s.playBacktest(ctx, input, in.Body.Readings, in.Body.Devices, in.Body.Against == "live")
	if err != nil {
		return nil, err
	}
	return &backtestAnswer{Body: backtestView{
		Alarms: result.Alarms, Readings: result.Readings, Duplicates: result.Duplicates, Suppressed: result.Suppressed, Devices: result.Devices,
		From: orNull(result.From), To: orNull(result.To), Assumed: orEmpty(result.Assumed),
		Figures: result.Figures, Comparison: result.Comparison, Sweep: orEmpty(result.Sweep),
	}}, nil
}

// input reads the rules, and the models that came along.
func (in *backtestInput) input() (backtest.Input, error) {
	b := &in.Body
	out := backtest.Input{From: b.From, To: b.To}
	switch {
	case (b.Readings == "") == (len(b.Devices) == 0):
		return out, invalid("body", "must name either readings or devices", nil)
	case !b.From.IsZero() && !b.To.IsZero() && !b.From.Before(b.To):
		return out, invalid("body.from", "must be before to", b.From)
	case len(b.Devices) > 0 && (b.From.IsZero() || b.To.IsZero()):
		return out, invalid("body.from", "from and to are needed for the history", nil)
	}
	set, err := declare.ParseSources(declare.Source{Name: "rules", Text: []byte(b.Rules)})
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
	if b.Sweep != "" {
		sweep, err := backtest.ParseSweep(b.Sweep)
		if err != nil {
			return out, invalid("body.sweep", err.Error(), b.Sweep)
		}
		out.Sweep = &sweep
	}
	return out, nil
}

// playBacktest plays a file, or the history of devices, on what is declared.
func (s *Server) playBacktest(ctx context.Context, input backtest.Input, csv string, ids []string, againstLive bool) (backtest.Result, error) {
	select {
	case s.backtests <- struct{}{}:
		defer func() { <-s.backtests }()
	case <-ctx.Done():
		return backtest.Result{}, ctx.Err()
	}
	directory, err := s.deps.Declarations.LoadDirectory(ctx)
	if err != nil {
		return backtest.Result{}, err
	}
	if input.Beside, err = s.deps.Declarations.LoadRules(ctx); err != nil {
		return backtest.Result{}, err
	}
	if input.Maintenance, err = s.deps.Declarations.LoadMaintenance(ctx); err != nil {
		return backtest.Result{}, err
	}
	if againstLive {
		input.CompareWithLive(input.Beside)
	}
	input.Models = slices.Concat(directory.Models(), input.Models) // of two with one id the later counts
	input.Devices = slices.Collect(directory.Devices())
	chosen := make([]devices.ID, len(ids))
	for i, id := range ids {
		chosen[i] = devices.ID(id)
		if _, ok := directory.ModelOf(chosen[i]); !ok {
			return backtest.Result{}, invalid("body.devices", "names a device that does not exist", id)
		}
	}
	return play(ctx, input, csv, history.Stretches(ctx, s.deps.Archive, chosen, input.From, input.To))
}

// play tells faults of what was sent from those of the store.
func play(ctx context.Context, input backtest.Input, csv string, stretches iter.Seq2[[]devices.Report, error]) (result backtest.Result, err error) {
	if csv != "" {
		result, err = backtest.Run(ctx, input, backtest.ReadCSV(strings.NewReader(csv)))
	} else {
		result, err = backtest.Play(ctx, input, stretches)
	}
	if ctx.Err() != nil {
		return result, ctx.Err()
	}
	var rules *backtest.InputError
	var line *backtest.LineError
	if errors.As(err, &rules) || errors.As(err, &line) {
		return result, invalid("body", err.Error(), nil)
	}
	return result, err
}
