package console

import (
	"net/http"
	"time"

	"telltale/internal/views"
)

type traceContents struct {
	*chrome
	ID, TraceID string
	Steps       []traceStep
	Notes       []string
}

// traceStep is a step with the time since the one before.
type traceStep struct {
	views.Step
	After string // "": the first
}

// tracePage shows the way of a message through the gateway.
func (s *Server) tracePage(w http.ResponseWriter, r *http.Request) {
	position, err := views.ParsePosition(r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	c, _, err := s.frame(r, "Trace "+position.String(), "tickets")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	trace, err := s.deps.Traces.Trace(r.Context(), position)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := traceContents{chrome: c, ID: position.String(), TraceID: trace.ID(), Notes: trace.Notes}
	for i, step := range trace.Steps {
		line := traceStep{Step: step}
		if i > 0 {
			line.After = "+" + step.At.Sub(trace.Steps[i-1].At).Round(time.Millisecond).String()
		}
		page.Steps = append(page.Steps, line)
	}
	s.show(w, "trace", page)
}
