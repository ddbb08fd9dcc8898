package console

import (
	"net/http"
	"slices"
	"time"

	"telltale/internal/views"
)

type traceContents struct {
	*chrome
	ID, TraceID string
	Device      string    // "": not known, or the time of the log decided
	Began       time.Time // of the first step by our clock; zero: nothing is known
	Stages      []traceStage
	Steps       []traceStep
	Notes       []string
}

// traceStage is a part of a message's way that takes time.
type traceStage struct {
	Name, Took, Says string
}

// traceStep is a step with its looks and the time since the one before.
type traceStep struct {
	views.Step
	After        string // "": the first, or at the same moment
	Icon, Colour string
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
	page := traceContents{chrome: c, ID: position.String(), TraceID: trace.ID(), Notes: trace.Notes, Stages: stagesOf(trace.Steps)}
	for i, step := range trace.Steps {
		line := traceStep{Step: step}
		line.Icon, line.Colour = stepLook(step.Kind)
		if i > 0 && step.At.After(trace.Steps[i-1].At) {
			line.After = "+" + briefly(step.At.Sub(trace.Steps[i-1].At))
		}
		if page.Device == "" {
			page.Device = step.Device
		}
		if page.Began.IsZero() && step.Kind != views.StepObserved {
			page.Began = step.At
		}
		page.Steps = append(page.Steps, line)
	}
	s.show(w, "trace", page)
}

// stagesOf sums a message's way up: which part of it took how long. Parts whose
// ends are not both known are left out.
func stagesOf(steps []views.Step) []traceStage {
	first := func(kinds ...views.StepKind) time.Time {
		for _, s := range steps {
			if slices.Contains(kinds, s.Kind) {
				return s.At
			}
		}
		return time.Time{}
	}
	last := func(kind views.StepKind) (at time.Time) {
		for _, s := range steps {
			if s.Kind == kind {
				at = s.At
			}
		}
		return at
	}
	var stages []traceStage
	add := func(name, says string, from, to time.Time) {
		if !from.IsZero() && !to.IsZero() {
			stages = append(stages, traceStage{Name: name, Took: briefly(to.Sub(from)), Says: says})
		}
	}
	written := first(views.StepAlarm, views.StepTicket, views.StepEvent)
	add("To the gateway", "by the device's own clock", first(views.StepObserved), first(views.StepReceived))
	add("To the log", "acknowledged after its sync", first(views.StepReceived), first(views.StepStored))
	add("To the decision", "alarm, ticket and events written", first(views.StepStored), written)
	add("To the last receiver", "every delivery completed", first(views.StepEvent), delivered(steps, last(views.StepDelivered)))
	return stages
}

// delivered returns when the last delivery was completed, zero while one is not.
func delivered(steps []views.Step, last time.Time) time.Time {
	for _, s := range steps {
		if s.Kind == views.StepWaiting || s.Kind == views.StepDiscarded {
			return time.Time{}
		}
	}
	return last
}

// briefly prints a time between two steps: finer than spans are below a
// minute. A device's clock may be ahead of ours.
func briefly(d time.Duration) string {
	switch {
	case d < 0:
		return minus(briefly(-d))
	case d < time.Second:
		return decimal(float64(d.Milliseconds())) + thin + "ms"
	case d < time.Minute:
		return decimal(d.Seconds()) + thin + "s"
	default:
		return span(d)
	}
}

// stepLook returns icon and colour of a step.
func stepLook(kind views.StepKind) (icon, colour string) {
	switch kind {
	case views.StepReceived:
		return "devices", ""
	case views.StepStored:
		return "check", ""
	case views.StepAlarm:
		return "bell", "red"
	case views.StepTicket:
		return "tickets", "blue"
	case views.StepEvent:
		return "more", ""
	case views.StepDelivered:
		return "check", "green"
	case views.StepWaiting:
		return "clock", "amber"
	case views.StepDiscarded:
		return "urgent", "red"
	default:
		return "clock", ""
	}
}
