package postgres_test

import (
	"fmt"
	"slices"
	"testing"

	"telltale/devices"
	"telltale/ingest"
	"telltale/internal/postgres"
	"telltale/internal/postgres/pgtest"
	"telltale/internal/views"
)

func bound(t *testing.T, db *postgres.DB, b views.QuarantineBounds) views.LetGo {
	t.Helper()
	gone, err := db.BoundQuarantine(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return gone
}

func TestWhatIsTooOldOrTooMuchIsLetGoAndCounted(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for i := range 6 {
		addRefused(t, db, refusal(fmt.Sprint(i), ingest.UnknownDevice, i, "dev-1"))
	}
	addRefused(t, db, refusal("5", ingest.UnknownDevice, 7, "dev-1")) // two arrivals of one
	request(t, db, views.ReplaySelection{IDs: []string{"3"}})
	var replayed []string
	rounds(t, db, 10, accept(&replayed))
	wide := views.QuarantineBounds{Before: minute(-1), MaxMessages: 100, MaxBytes: 1 << 20}
	if gone := bound(t, db, wide); gone != (views.LetGo{}) {
		t.Errorf("within the bounds %+v goes", gone)
	}
	old := wide
	old.Before = minute(1)
	if gone := bound(t, db, old); gone != (views.LetGo{Arrivals: 1, Waiting: 1}) {
		t.Errorf("too old: %+v", gone)
	}
	many := wide
	many.MaxMessages = 3
	if gone := bound(t, db, many); gone != (views.LetGo{Arrivals: 3, Waiting: 2}) {
		t.Errorf("too many: %+v", gone)
	}
	if got := listed(t, db, views.RefusedQuery{}); !slices.Equal(got, []string{"5", "4"}) {
		t.Errorf("left are %v, want what is newest and was not replayed", got)
	}
	row, err := db.Unclaimed(t.Context(), "dev-1")
	if err != nil || row.Messages != 7 || row.Waiting != 3 || row.LetGo != 3 {
		t.Errorf("sender %+v, %v", row, err)
	}
	few := wide
	few.MaxBytes = 1
	bound(t, db, few)
	if got := listed(t, db, views.RefusedQuery{}); len(got) != 0 {
		t.Errorf("%v is kept although its bytes are too many", got)
	}
}

// Somebody who publishes under any number of ids cannot make the list of
// senders longer than what is kept.
func TestSendersOfWhomNothingIsKeptAreSummedUp(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for i := range 50 {
		id := fmt.Sprint("stranger-", i)
		addRefused(t, db, refusal(id, ingest.UnknownDevice, i, devices.ID(id)))
	}
	bound(t, db, views.QuarantineBounds{Before: minute(-1), MaxMessages: 5, MaxBytes: 1 << 20})
	n, err := db.CountUnclaimed(t.Context())
	if err != nil || n != 5 {
		t.Errorf("%d are listed, %v", n, err)
	}
	page, err := db.UnclaimedRows(t.Context(), views.UnclaimedQuery{Limit: 3})
	if err != nil || len(page.Rows) != 3 || page.Rows[0].ID != "stranger-49" || page.Next == "" {
		t.Fatalf("first page %+v, %v", page, err)
	}
	page, err = db.UnclaimedRows(t.Context(), views.UnclaimedQuery{Limit: 3, After: page.Next})
	if err != nil || len(page.Rows) != 2 || page.Next != "" {
		t.Errorf("second page %+v, %v", page, err)
	}
}

func TestABabblingSenderKeepsItsShare(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	addRefused(t, db, refusal("quiet", ingest.UnknownDevice, 0, "quiet"))
	const sent = 11_500
	for start := 0; start < sent; start += 500 {
		var batch []ingest.Quarantined
		for i := start; i < start+500; i++ {
			batch = append(batch, refusal(fmt.Sprint(i), ingest.UnknownDevice, i, "babbler"))
		}
		addRefused(t, db, batch...)
	}
	row, err := db.Unclaimed(t.Context(), "babbler")
	if err != nil || row.Messages != sent || row.Waiting+row.LetGo != sent || row.Waiting > 11_000 {
		t.Errorf("the babbler: %+v, %v", row, err)
	}
	if got := listed(t, db, views.RefusedQuery{Device: "quiet"}); !slices.Equal(got, []string{"quiet"}) {
		t.Error("another sender's message had to go")
	}
	if newest := listed(t, db, views.RefusedQuery{Limit: 1}); !slices.Equal(newest, []string{fmt.Sprint(sent - 1)}) {
		t.Errorf("newest %v", newest)
	}
}

// A source that is configured otherwise may find another device in the same
// message.
func TestAMessageStaysTheShareOfWhomItWasAtFirst(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	addRefused(t, db, refusal("x", ingest.Malformed, 0))
	addRefused(t, db, refusal("x", ingest.Malformed, 1, "dev-1"), refusal("x", ingest.Malformed, 2, "dev-2"))
	gone := bound(t, db, views.QuarantineBounds{Before: minute(10), MaxMessages: 100, MaxBytes: 1 << 20})
	if gone != (views.LetGo{Arrivals: 3, Waiting: 3}) {
		t.Errorf("let go %+v, want all three arrivals", gone)
	}
}
