package recalls_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/tickets/recalls"
)

func TestTheLedgerAccountsForEveryUnit(t *testing.T) {
	t.Parallel()
	answered := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	r := recalls.Recall{Items: []recalls.Item{
		{GTIN: "05901234123457", Lot: "A17", Quantity: 6300, Returned: 6100, AnsweredAt: answered},
		{GTIN: "05901234123457", Lot: "A17", Quantity: 2900, Destroyed: 1500, Used: 1400, AnsweredAt: answered},
		{GTIN: "05901234123457", Lot: "B2", Quantity: 0, AnsweredAt: answered},
	}}
	b := r.Balance()
	want := recalls.Balance{
		Quantity: 9200, Returned: 6100, Destroyed: 1500, Used: 1400, Unaccounted: 200, Consignees: 3, Answered: 3,
	}
	if diff := cmp.Diff(want, b); diff != "" {
		t.Errorf("balance (-want +got):\n%s", diff)
	}
	if got := fmt.Sprintf("%.1f %%", 100*b.Accounted()); got != "97.8 %" {
		t.Errorf("%s accounted for, want 97.8 %%", got)
	}
	if b.Closes() {
		t.Error("the ledger closes although 200 units are missing")
	}
	lots := r.Balances()
	if len(lots) != 2 || lots[0].Unaccounted != 200 || !lots[1].Closes() || lots[1].Accounted() != 1 {
		t.Errorf("by lot: %+v; want A17 open with 200 missing, and B2, of nothing, closed", lots)
	}
}

func TestIdsAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	for number, id := range map[int64]string{1: "R-0001", 7: "R-0007", 9999: "R-9999", 10000: "R-10000"} {
		if got := recalls.RecallID(number); got != id {
			t.Errorf("RecallID(%d) = %s, want %s", number, got, id)
		}
		if got, ok := recalls.RecallNumber(id); !ok || got != number {
			t.Errorf("RecallNumber(%s) = %d, %v", id, got, ok)
		}
	}
	for _, id := range []string{"", "7", "R-7", "R-", "R-0000", "R--001", "R-00007", "H-0007", "R-9999999999999999999", "R-0x07"} {
		if got, ok := recalls.RecallNumber(id); ok {
			t.Errorf("RecallNumber(%q) = %d, want it refused", id, got)
		}
	}
}
