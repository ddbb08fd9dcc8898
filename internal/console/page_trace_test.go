package console

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/internal/views"
)

func TestTheStagesOfAWay(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	step := func(kind views.StepKind, ms int) views.Step {
		return views.Step{Kind: kind, At: at.Add(time.Duration(ms) * time.Millisecond)}
	}
	whole := []views.Step{
		step(views.StepObserved, 0), step(views.StepReceived, 1500), step(views.StepStored, 1504),
		step(views.StepTicket, 1520), step(views.StepEvent, 1520), step(views.StepAlarm, 1521),
		step(views.StepDelivered, 1600), step(views.StepDelivered, 121_600),
	}
	for _, c := range []struct {
		name  string
		steps []views.Step
		want  []string
	}{
		{"the whole way", whole, []string{"To the gateway 1.5\u202fs", "To the log 4\u202fms", "To the decision 16\u202fms", "To the last receiver 2\u202fmin"}},
		{"one delivery waits", append(whole[:7:7], step(views.StepWaiting, 1520)), []string{"To the gateway 1.5\u202fs", "To the log 4\u202fms", "To the decision 16\u202fms"}},
		{"the log has forgotten it", whole[3:], []string{"To the last receiver 2\u202fmin"}},
		{"a device's clock is ahead", []views.Step{step(views.StepReceived, 0), step(views.StepObserved, 2000)}, []string{"To the gateway \u22122\u202fs"}},
		{"nothing is known", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, s := range stagesOf(c.steps) {
				got = append(got, s.Name+" "+s.Took)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
