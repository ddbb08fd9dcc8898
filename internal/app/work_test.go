package app

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/internal/partition"
	"telltale/internal/tracing"
	"telltale/rules"
	"telltale/tickets/outbox"
)

// TestWhichMessagesOfARoundMattered keeps to those that changed an alarm or are
// told of, in the order decided.
func TestWhichMessagesOfARoundMattered(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	after := func(s int) time.Time { return at.Add(time.Duration(s) * time.Second) }
	cause := func(trace, device string) partition.Cause {
		c := partition.Cause{Trace: trace, StoredAt: after(1), DecidedAt: after(2)}
		if device != "" {
			c.Device, c.ReceivedAt = "fridge-1", at
		}
		return c
	}
	raised := rules.Transition{AlarmID: "a", Change: rules.Raised, Trace: "p0/7/0"}
	cleared := rules.Transition{AlarmID: "b", Change: rules.Cleared, Trace: "p0/7"}
	opened := outbox.Event{ID: "opened", Trace: "p0/7/0"}
	proposed := outbox.Event{ID: "proposed", Trace: "p0/9/2"}
	effects := &partition.Effects{
		Now: after(3),
		Causes: map[string]partition.Cause{
			"p0/7/0": cause("p0/7/0", "fridge-1"), "p0/7": cause("p0/7", ""), "p0/8/0": cause("p0/8/0", "fridge-1"),
			"p0/9/1": cause("p0/9/1", "fridge-1"), "p0/9/2": cause("p0/9/2", "fridge-1"),
		},
		Transitions: []rules.Transition{
			{AlarmID: "c", Change: rules.Cleared}, // since its rule is gone
			cleared, raised,
			{AlarmID: "d", Change: rules.Repeated, Trace: "p0/8/0"},
		},
		Due: []partition.Due{{Shipment: "S-1", Trace: "p0/9/1"}, {Shipment: "S-2", Trace: "p0/9/2"}},
	}
	times := tracing.Decision{StoredAt: after(1), DecidedAt: after(2), CommittingAt: after(3), CommittedAt: after(4)}
	timer, message, report := times, times, times
	timer.Trace, timer.Transitions = "p0/7", []rules.Transition{cleared}
	message.Trace, message.Device, message.ReceivedAt = "p0/7/0", "fridge-1", at
	message.Transitions, message.Events = []rules.Transition{raised}, []outbox.Event{opened}
	report.Trace, report.Device, report.ReceivedAt, report.Events = "p0/9/2", "fridge-1", at, []outbox.Event{proposed}

	got := decisions(effects, []outbox.Event{opened, proposed, {ID: "by a person"}}, after(4))
	if diff := cmp.Diff([]tracing.Decision{timer, message, report}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
