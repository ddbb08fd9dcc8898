package console

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telltale/internal/access"
	"telltale/internal/declare"
	"telltale/rules/backtest"
)

// backtestFor bounds the time that somebody waits for one backtest.
const backtestFor = time.Minute

type backtestInput struct{ Body BacktestBody }

// BacktestBody is what is to be played, waited for or as a job. It is exported
// because only then the description of the API finds what is embedded.
type BacktestBody struct {
	Rules    string    `json:"rules" minLength:"1" doc:"rules as YAML documents; models may come along"`
	Readings string    `json:"readings,omitempty" doc:"CSV with the columns time,device,metric,value; left out: the history of devices"`
	Devices  []string  `json:"devices,omitempty" nullable:"false" maxItems:"100" doc:"whose history is played; without readings"`
	From     time.Time `json:"from,omitzero" required:"false" doc:"inclusive"`
	To       time.Time `json:"to,omitzero" required:"false" doc:"exclusive"`
	Against  string    `json:"against,omitempty" enum:"live," doc:"live: compare with the rules in force of the same ids"`
	Sweep    string    `json:"sweep,omitempty" maxLength:"1000" doc:"several values of a number: temperature > 7..12 step 1, or for 5m..30m step 5m"`
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

func (s *rest) backtest(ctx context.Context, in *backtestInput) (*backtestAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, backtestFor)
	defer cancel()
	if in.Body.Readings == "" && len(in.Body.Devices) == 0 {
		return nil, invalid("body", "must name either readings or devices", nil)
	}
	request, err := in.Body.request()
	if err != nil {
		return nil, err
	}
	free, err := s.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer free()
	result, err := s.playBacktest(ctx, request)
	if err != nil {
		return nil, err
	}
	return &backtestAnswer{Body: showBacktest(&result)}, nil
}

func showBacktest(result *backtest.Result) backtestView {
	return backtestView{
		Alarms: result.Alarms, Readings: result.Readings, Duplicates: result.Duplicates, Suppressed: result.Suppressed, Devices: result.Devices,
		From: orNull(result.From), To: orNull(result.To), Assumed: orEmpty(result.Assumed),
		Figures: result.Figures, Comparison: result.Comparison, Sweep: orEmpty(result.Sweep),
	}
}

// request reads the rules, and the models that came along.
func (b *BacktestBody) request() (backtestRequest, error) {
	out := backtestRequest{csv: b.Readings, devices: b.Devices, againstLive: b.Against == "live"}
	out.input.From, out.input.To = b.From, b.To
	switch {
	case b.Readings != "" && len(b.Devices) > 0:
		return out, invalid("body", "must name either readings or devices", nil)
	case !b.From.IsZero() && !b.To.IsZero() && !b.From.Before(b.To):
		return out, invalid("body.from", "must be before to", b.From)
	case b.Readings == "" && (b.From.IsZero() || b.To.IsZero()):
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
		out.input.Rules = append(out.input.Rules, *r)
	}
	out.set, out.input.Models, out.about.Sweep = set, set.Models, b.Sweep
	if len(set.Rules) == 1 {
		out.about.Rule = set.Rules[0].ID
	}
	if b.Sweep != "" {
		sweep, err := backtest.ParseSweep(b.Sweep)
		if err != nil {
			return out, invalid("body.sweep", err.Error(), b.Sweep)
		}
		out.input.Sweep = &sweep
	}
	return out, nil
}
