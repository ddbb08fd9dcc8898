package recalls

import "testing"

// TestEveryEdgeOfARecallsLife walks each act from each status; what is not
// listed must be refused.
func TestEveryEdgeOfARecallsLife(t *testing.T) {
	t.Parallel()
	type edge struct {
		from      Status
		act       act
		approvals int
	}
	possible := map[edge]Status{
		{Proposed, sign, 0}:    Proposed,
		{Proposed, sign, 1}:    Approved,
		{Proposed, reject, 0}:  Rejected,
		{Proposed, reject, 1}:  Rejected,
		{Approved, answer, 2}:  Executing,
		{Executing, answer, 2}: Executing,
		{Approved, finish, 2}:  Closed,
		{Executing, finish, 2}: Closed,
	}
	for _, from := range Statuses() {
		for _, a := range []act{sign, reject, answer, finish} {
			for approvals := range 3 {
				if from == Proposed && approvals == signaturesNeeded || from != Proposed && approvals < signaturesNeeded {
					continue // no recall is like that
				}
				to, ok := next(from, a, approvals)
				want, wantOK := possible[edge{from, a, approvals}]
				if ok != wantOK || ok && to != want {
					t.Errorf("%s with act %d after %d approvals leads to %s, %v; want %s, %v", from, a, approvals, to, ok, want, wantOK)
				}
				if !ok && to != from {
					t.Errorf("a refused act changed %s to %s", from, to)
				}
			}
		}
	}
}

func TestARefusedActSaysWhyInASentence(t *testing.T) {
	t.Parallel()
	for _, s := range Statuses() {
		for _, a := range []act{sign, reject, answer, finish} {
			if _, ok := next(s, a, 0); ok {
				continue
			}
			r := Recall{ID: "R-0007", Status: s}
			text := r.refuseAct(a).Error()
			if len(text) < 20 || text[len(text)-1] != '.' {
				t.Errorf("act %d on a %s recall is refused with %q", a, s, text)
			}
		}
	}
}
