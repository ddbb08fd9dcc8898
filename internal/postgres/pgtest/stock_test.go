package pgtest

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"telltale/internal/postgres"
)

func TestAFolderHoldsAStoppedClusterWithTheSchema(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "with", "its", "parents")
	Folder(t, dir)
	if _, running, err := postgres.RunningCluster(dir); err != nil || running {
		t.Fatalf("a server runs: %t, %v", running, err)
	}
	cluster, err := postgres.StartCluster(t.Context(), postgres.ClusterOptions{Dir: dir, Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	list, err := postgres.Migrations(t.Context(), cluster.URL())
	if err != nil || len(list) == 0 {
		t.Fatalf("%d migrations, %v", len(list), err)
	}
	for _, m := range list {
		if m.AppliedAt.IsZero() {
			t.Errorf("%s is not applied", m.Name)
		}
	}
	if err := cluster.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestATemplateIsFilledOnceAndNobodySeesAnothersRows(t *testing.T) {
	t.Parallel()
	var filled atomic.Int32
	template := Template{Fill: func(t testing.TB, db *postgres.DB) {
		filled.Add(1)
		if err := db.SaveSnapshot(t.Context(), 1, 5, 1, []byte("filled")); err != nil {
			t.Fatal(err)
		}
	}}
	for range 2 { // the second would see what the first has changed
		db := template.New(t)
		if seq, _, _, err := db.LoadSnapshot(t.Context(), 1); err != nil || seq != 5 {
			t.Errorf("snapshot at %d (err %v), want the template's at 5", seq, err)
		}
		if err := db.SaveSnapshot(t.Context(), 1, 6, 1, []byte("changed")); err != nil {
			t.Fatal(err)
		}
	}
	if n := filled.Load(); n != 1 {
		t.Errorf("filled %d times, want once", n)
	}
}

func TestStocksThatNobodyUsesAreSweptUp(t *testing.T) {
	t.Parallel()
	shelf := t.TempDir()
	now := time.Now()
	for name, age := range map[string]time.Duration{"15-old": 8 * 24 * time.Hour, "15-used": time.Hour} {
		stock := filepath.Join(shelf, name)
		if err := os.Mkdir(stock, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(stock, now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(shelf, "lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}

	sweepStocks(shelf, now)

	for name, want := range map[string]bool{"15-old": false, "15-used": true, "lock": true} {
		if _, err := os.Stat(filepath.Join(shelf, name)); (err == nil) != want {
			t.Errorf("%s: there %t, want %t", name, err == nil, want)
		}
	}
}
