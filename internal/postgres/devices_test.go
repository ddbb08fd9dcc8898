package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/internal/postgres/pgtest"
)

func TestADeviceIsListedUnderItsOwnerOfTheMoment(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	apply(t, db, world) // fridge-17 went from C-1001 to C-1002 on 1 June
	may := time.Date(2026, 5, 31, 23, 59, 59, 0, time.UTC)
	june := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

	for _, c := range []struct {
		now      time.Time
		customer string
	}{{may, "C-1001"}, {june, "C-1002"}} {
		summary, err := db.Device(t.Context(), "fridge-17", c.now)
		if err != nil {
			t.Fatal(err)
		}
		if summary.Customer != c.customer || summary.StaleAfter != 3*time.Minute || summary.Serial != "SN-8841" {
			t.Errorf("at %s: %+v, want customer %s", c.now, summary, c.customer)
		}
		listed, err := db.ListDevices(t.Context(), devices.Query{Customer: c.customer}, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]devices.Summary{summary}, listed); diff != "" {
			t.Errorf("list of %s (-want +got):\n%s", c.customer, diff)
		}
	}
}

func TestListsOfDevicesGoOnWhereTheyEnded(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	apply(t, db, world)
	var seen []devices.ID
	for after := devices.ID(""); ; {
		page, err := db.ListDevices(t.Context(), devices.Query{After: after, Limit: 1}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		after = page[0].ID
		seen = append(seen, after)
	}
	if diff := cmp.Diff([]devices.ID{"fridge-17", "reefer-3"}, seen); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
}

func TestAnUndeclaredDeviceIsUnknown(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	if _, err := db.Device(t.Context(), "nobody", time.Now()); !errors.Is(err, devices.ErrUnknown) {
		t.Errorf("read an undeclared device: %v", err)
	}
}
