package console

import (
	"context"
	"slices"
	"strings"

	"telltale/tickets"
)

// heldLine is an alarm that was held back, as pages list it.
type heldLine struct {
	*tickets.HeldAlarm
	Reasons string // what held it back, one after the other
}

// shownHeldAlarms is how many of them the page of a device or a rule shows; the
// API has all.
const shownHeldAlarms = 8

func (s *Server) heldLines(ctx context.Context, query tickets.HeldQuery) ([]heldLine, error) {
	query.Limit = shownHeldAlarms
	all, err := s.deps.HeldAlarms.HeldAlarms(ctx, query)
	if err != nil {
		return nil, err
	}
	lines := make([]heldLine, len(all))
	for i, h := range all {
		var reasons []string
		for _, by := range h.Evidence.Held {
			if !slices.Contains(reasons, by.Why) {
				reasons = append(reasons, by.Why)
			}
		}
		lines[i] = heldLine{h, strings.Join(reasons, ", then ")}
	}
	return lines, nil
}
