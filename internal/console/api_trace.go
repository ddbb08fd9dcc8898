package console

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telltale/internal/access"
	"telltale/internal/views"
)

// traceView is a message's way as the REST interface shows it.
type traceView struct {
	ID      string     `json:"id" doc:"position in the log: partition, sequence, report"`
	TraceID string     `json:"trace_id" doc:"the same as a W3C trace id, as in the traceparent of events"`
	Steps   []stepView `json:"steps" doc:"by time"`
	Notes   []string   `json:"notes" doc:"what is not known any more"`
}

type stepView struct {
	At      time.Time      `json:"at"`
	Seconds float64        `json:"seconds" doc:"after the step before"`
	Kind    views.StepKind `json:"kind" enum:"observed,received,stored,alarm,ticket,event,delivered,waiting,discarded"`
	Device  string         `json:"device,omitempty"`
	Alarm   string         `json:"alarm,omitempty"`
	Ticket  string         `json:"ticket,omitempty"`
	Text    string         `json:"text"`
}

func showTrace(t views.Trace) traceView {
	v := traceView{ID: t.Position.String(), TraceID: t.ID(),
		Steps: make([]stepView, len(t.Steps)), Notes: append([]string{}, t.Notes...)}
	for i, s := range t.Steps {
		v.Steps[i] = stepView{At: s.At, Kind: s.Kind, Device: s.Device, Alarm: s.Alarm, Ticket: s.Ticket, Text: s.Text}
		if i > 0 {
			v.Steps[i].Seconds = s.At.Sub(t.Steps[i-1].At).Seconds()
		}
	}
	return v
}

func (s *rest) registerTraces() {
	route(s, huma.Operation{
		OperationID: "get-trace", Method: http.MethodGet, Path: "/trace/{id}", Tags: []string{"traces"},
		Summary:     "The way of a message: readings, alarms, tickets, deliveries, with times",
		Description: "The id is an alarm's, a timeline entry's or an event's trace, its slashes sent as %2F: p3%2F10293%2F17.",
	}, access.Read, func(ctx context.Context, in *idInput) (*struct{ Body traceView }, error) {
		position, err := views.ParsePosition(in.ID)
		if err != nil {
			return nil, err
		}
		trace, err := s.deps.Traces.Trace(ctx, position)
		if err != nil {
			return nil, err
		}
		return &struct{ Body traceView }{showTrace(trace)}, nil
	})
}
