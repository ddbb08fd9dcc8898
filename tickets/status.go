package tickets

// act is something that may move a ticket from one status to another.
type act uint8

// The acts. The first group are people's, the second group are Telltale's.
const (
	actWork   act = iota + 1 // a person works on it, or reopens it
	actAwait                 // a person waits for the customer
	actHold                  // a person waits for somebody else
	actSolve                 // a person says it is done
	actClose                 // a person closes it, or it has been solved for long
	actAssign                // a person is given the ticket
	actEnd                   // the condition of its last open alarm ended
	actWorsen                // an alarm of it escalated or was raised again
)

// String returns the word used in the drawing of the life cycle.
func (a act) String() string {
	switch a {
	case actWork:
		return "work"
	case actAwait:
		return "await customer"
	case actHold:
		return "hold"
	case actSolve:
		return "solve"
	case actClose:
		return "close"
	case actAssign:
		return "assign"
	case actEnd:
		return "condition ended"
	case actWorsen:
		return "condition worsened"
	default:
		return "unknown act"
	}
}

// acts lists all of them.
func acts() []act {
	return []act{actWork, actAwait, actHold, actSolve, actClose, actAssign, actEnd, actWorsen}
}

// next is the life cycle of a ticket: the status after an act, and false when
// the act is not allowed in this status. A ticket that people wait with
// (pending, on hold) is theirs: the end of the condition is noted on it and
// does not solve it. Nothing leaves closed, and nothing returns to new.
func next(from Status, a act) (to Status, ok bool) {
	switch from {
	case New, Open, Pending, OnHold:
		return nextUnsolved(from, a)
	case Solved:
		switch a {
		case actWork, actWorsen:
			return Open, true
		case actClose:
			return Closed, true
		case actSolve, actAssign, actEnd:
			return Solved, true
		}
	case Closed:
		if a == actEnd || a == actClose {
			return Closed, true
		}
	}
	return from, false
}

func nextUnsolved(from Status, a act) (to Status, ok bool) {
	switch a {
	case actWork:
		return Open, true
	case actAwait:
		return Pending, true
	case actHold:
		return OnHold, true
	case actSolve:
		return Solved, true
	case actAssign:
		if from == New {
			return Open, true
		}
		return from, true
	case actEnd:
		if from == New || from == Open {
			return Solved, true
		}
		return from, true
	case actWorsen:
		return from, true
	default: // actClose: what is not solved cannot be closed
		return from, false
	}
}

// actFor returns the act by which a person brings a ticket into a status, and
// false when no person can.
func actFor(wanted Status) (act, bool) {
	switch wanted {
	case Open:
		return actWork, true
	case Pending:
		return actAwait, true
	case OnHold:
		return actHold, true
	case Solved:
		return actSolve, true
	case Closed:
		return actClose, true
	default:
		return 0, false
	}
}

// Unsolved reports whether work remains.
func (s Status) Unsolved() bool { return s != Solved && s != Closed }
