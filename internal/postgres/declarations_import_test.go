package postgres_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"telltale/internal/declare"
	"telltale/internal/postgres/pgtest"
)

func TestImportStoresGoodRowsAndReportsTheOthers(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	apply(t, db, world)
	table, err := declare.ReadTable("Device", "t.csv", strings.NewReader(`id,model,site,customer,owned_from
fridge-17,,Warsaw-3,,
fridge-18,FR-200,Warsaw-3,C-1001,2026-01-01T00:00:00Z
fridge-19,FR-900,Warsaw-3,,
fridge-20,FR-200,Warsaw-3,C-9,2026-01-01T00:00:00Z
`))
	if err != nil {
		t.Fatal(err)
	}

	got, err := db.Import(t.Context(), table, "ewa")
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff("~ Device fridge-17: site Warsaw-2 -> Warsaw-3\n+ Device fridge-18\n"+
		"1 created, 1 changed, 0 unchanged\n", got.Plan.String()); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("t.csv:4: Device fridge-19: model: there is no Model FR-900\n"+
		"t.csv:5: Device fridge-20: owners: there is no Customer C-9", got.Rejected.Error()); diff != "" {
		t.Errorf("rejected (-want +got):\n%s", diff)
	}
	directory, err := db.LoadDirectory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if device, _ := directory.Device("fridge-17"); directory.Len() != 3 || device.Site != "Warsaw-3" || len(device.Owners) != 2 {
		t.Errorf("%d devices; fridge-17 is %+v", directory.Len(), device)
	}
}
