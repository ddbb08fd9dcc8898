package postgres_test

import (
	"sync"
	"testing"

	"telltale/internal/postgres"
	"telltale/internal/postgres/pgtest"
)

func TestMigrationsGoUpDownAndUpAgain(t *testing.T) {
	t.Parallel()
	url := pgtest.EmptyURL(t)

	for round := range 2 {
		if err := postgres.Migrate(t.Context(), url); err != nil {
			t.Fatalf("up, round %d: %v", round, err)
		}
		for _, m := range migrations(t, url) {
			if m.AppliedAt.IsZero() {
				t.Errorf("round %d: migration %s is not applied after Migrate", round, m.Name)
			}
		}
		if err := postgres.MigrateDown(t.Context(), url, 0); err != nil {
			t.Fatalf("down, round %d: %v", round, err)
		}
		for _, m := range migrations(t, url) {
			if !m.AppliedAt.IsZero() {
				t.Errorf("round %d: migration %s is still applied after MigrateDown", round, m.Name)
			}
		}
	}
}

func TestNodesThatMigrateAtOnceAllSucceed(t *testing.T) {
	t.Parallel()
	url := pgtest.EmptyURL(t)

	var nodes sync.WaitGroup
	for range 4 {
		nodes.Go(func() {
			if err := postgres.Migrate(t.Context(), url); err != nil {
				t.Errorf("migrate: %v", err)
			}
		})
	}
	nodes.Wait()
}

func migrations(t *testing.T, url string) []postgres.Migration {
	t.Helper()
	list, err := postgres.Migrations(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		t.Fatal("no migrations are known")
	}
	return list
}
