package console

import "telltale/tickets/outbox"

// settler decides which events may be given out in order of position.
//
// Positions are drawn when an event is inserted, but events appear when their
// transaction commits, so a lower position can appear after a higher one. A
// client that was given the higher one would never ask for the lower. Hence a
// missing position holds back what follows, until every transaction that was
// running when it was found missing has ended: then it was rolled back.
type settler struct {
	position int64 // settled up to here

	gap   int64  // the first missing position; 0: none known
	until uint64 // transactions from here on began after it was found missing
}

// settle returns the beginning of page that is settled and advances the
// position over it. Page holds the events after the position, ascending, and
// snapshot is the one it was read under.
func (s *settler) settle(page []outbox.Event, snapshot outbox.Snapshot) []outbox.Event {
	for i, e := range page {
		next := s.position + 1
		if e.Position != next && !s.abandoned(next, snapshot) {
			return page[:i]
		}
		s.position, s.gap = e.Position, 0
	}
	return page
}

// abandoned reports whether the events from position on, missing in a page
// read under snapshot, will never appear.
func (s *settler) abandoned(position int64, snapshot outbox.Snapshot) bool {
	if s.gap != position {
		s.gap, s.until = position, snapshot.Next
	}
	return snapshot.Oldest >= s.until
}
