package access_test

import (
	"testing"

	"telltale/internal/access"
)

func TestTheTableOfRoles(t *testing.T) {
	t.Parallel()
	// One row per action: admin, support, quality, viewer.
	want := map[access.Action][4]bool{
		access.Read:          {true, true, true, true},
		access.Backtest:      {true, true, true, false},
		access.FileComplaint: {true, true, true, false},
		access.HandleAlarms:  {true, true, true, false},
		access.WorkTickets:   {true, true, false, false},
		access.DecideRecalls: {true, false, true, false},
		access.HandleRefused: {true, false, false, false},
		access.Declare:       {true, false, false, false},
	}
	for _, a := range access.Actions() {
		row, ok := want[a]
		if !ok {
			t.Errorf("action %s has no row here", a)
		}
		for i, r := range access.Roles() {
			if got := r.May(a); got != row[i] {
				t.Errorf("%s may %s = %v, want %v", r, a, got, row[i])
			}
		}
	}
	if access.Role("").May(access.Read) || access.Admin.May("anything") {
		t.Error("an unknown role or action is permitted")
	}
}
