package postgres_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"telltale/internal/postgres/pgtest"
)

func TestAPartitionReadsWhatTheOthersToldLast(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for _, s := range []struct {
		partition int
		shared    string
	}{{0, "old"}, {1, "mine"}, {2, "two"}, {0, "zero"}} {
		if err := db.ShareCohorts(t.Context(), s.partition, []byte(s.shared)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := db.SharedCohorts(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]byte{[]byte("zero"), []byte("two")}, got); diff != "" {
		t.Errorf("shared cohorts differ (-want +got):\n%s", diff)
	}
}
