package recalls

// act is what somebody does with a recall.
type act uint8

const (
	sign   act = iota + 1 // one more person approves
	reject                // a person decides against it
	answer                // a consignee says what became of its units
	finish                // a person closes it
)

// signaturesNeeded is how many different people must approve.
const signaturesNeeded = 2

// next is the whole life of a recall: the status that an act leads to, given
// how many people have approved before it, and false when the act is not
// possible. docs/recall-life-cycle.md draws it.
func next(s Status, a act, approvals int) (Status, bool) {
	switch s {
	case Proposed:
		switch a {
		case sign:
			if approvals+1 < signaturesNeeded {
				return Proposed, true
			}
			return Approved, true
		case reject:
			return Rejected, true
		}
	case Approved, Executing:
		switch a {
		case answer:
			return Executing, true
		case finish:
			return Closed, true
		}
	}
	return s, false
}

// Running reports whether the recall is neither rejected nor closed.
func (s Status) Running() bool { return s == Proposed || s == Approved || s == Executing }

// Statuses lists all of them in the order of their life.
func Statuses() []Status { return []Status{Proposed, Approved, Rejected, Executing, Closed} }

// refuseAct says why an act is not possible now.
func (r *Recall) refuseAct(a act) error {
	switch {
	case r.Status == Rejected || r.Status == Closed:
		return refuse(ErrConflict, "Recall %s was %s at %s.", r.ID, r.Status, clock(r.ClosedAt))
	case r.Status == Proposed && a == answer:
		return refuse(ErrConflict, "Recall %s is not approved yet, so nobody was asked to answer.", r.ID)
	case r.Status == Proposed:
		return refuse(ErrConflict, "Recall %s is not approved yet; approve or reject it.", r.ID)
	default:
		return refuse(ErrConflict, "Recall %s is already approved; close it instead.", r.ID)
	}
}
