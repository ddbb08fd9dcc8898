package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"telltale/devices"
	"telltale/ingest/stream"
	"telltale/internal/postgres"
	"telltale/internal/views"
)

// tracer is what the log and the database know of a message's way.
type tracer struct {
	db  *postgres.DB
	log *stream.Log
}

// Trace is [console.Traces]'s.
func (t tracer) Trace(ctx context.Context, position views.Position) (views.Trace, error) {
	trace, err := t.db.Trace(ctx, position)
	if err != nil {
		return trace, err
	}
	message, err := t.log.At(ctx, position.Partition, position.Seq)
	switch {
	case errors.Is(err, stream.ErrTrimmed):
		trace.Notes = append(trace.Notes, "The log no longer holds this message, or never did: it lets go of what rules and history have taken. Its readings are in the history.")
	case err != nil:
		return trace, err
	case position.Report >= len(message.Reports):
		trace.Notes = append(trace.Notes, fmt.Sprintf("The batch has %d reports, and none of that number.", len(message.Reports)))
	default:
		trace.Steps = append(stepsOf(message, position), trace.Steps...)
		slices.SortStableFunc(trace.Steps, func(a, b views.Step) int { return a.At.Compare(b.At) })
	}
	return trace, nil
}

// stepsOf is the way of a report into the log.
func stepsOf(message stream.Message, position views.Position) []views.Step {
	stored := views.Step{At: message.AppendedAt, Kind: views.StepStored,
		Text: fmt.Sprintf("synced in a batch of %d reports of partition %d", len(message.Reports), position.Partition)}
	if position.Report < 0 {
		return []views.Step{stored}
	}
	r := &message.Reports[position.Report]
	device := string(r.Device)
	return []views.Step{
		{At: r.ObservedAt.UTC(), Kind: views.StepObserved, Device: device, Text: sentenceOf(r)},
		{At: r.ReceivedAt.UTC(), Kind: views.StepReceived, Device: device, Text: "from the device or its broker"},
		stored,
	}
}

// sentenceOf prints what a report says.
func sentenceOf(r *devices.Report) string {
	var parts []string
	if r.Seq != 0 {
		parts = append(parts, "sequence "+strconv.FormatUint(r.Seq, 10))
	}
	for _, reading := range r.Readings {
		parts = append(parts, reading.Metric+" "+reading.Value.String())
	}
	if len(r.Faults) > 0 {
		parts = append(parts, "faults "+strings.Join(r.Faults, " "))
	}
	if r.Presence != devices.PresenceUnknown {
		parts = append(parts, r.Presence.String())
	}
	return cmp.Or(strings.Join(parts, ", "), "nothing")
}

// Trace returns what the database knows of a message's way; the log belongs to
// the running gateway.
func (a *Admin) Trace(ctx context.Context, position views.Position) (views.Trace, error) {
	trace, err := a.db.Trace(ctx, position)
	trace.Notes = append(trace.Notes, "The log was not asked; a running gateway does that: --server URL --token T.")
	return trace, err
}
