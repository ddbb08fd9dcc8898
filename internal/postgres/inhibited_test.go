package postgres_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"telltale/internal/postgres/pgtest"
	"telltale/rules"
)

func TestWhatAPartitionWasToldIsKeptSinceItsSnapshot(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	warsaw := rules.Place{Rule: "power-lost", Scope: rules.SameSite, Group: "Warsaw"}
	behind := rules.Place{Rule: "uplink-lost", Scope: rules.SameGateway, Group: "site/gateway-1"}
	save := func(partition int, seq uint64, places ...rules.Place) {
		t.Helper()
		if err := db.SaveInhibited(t.Context(), partition, seq, places); err != nil {
			t.Fatal(err)
		}
	}
	save(1, 0, warsaw)
	save(1, 7, warsaw, behind)
	save(1, 7, behind) // told twice after the same message: the later counts
	save(1, 9)
	save(2, 3, warsaw)
	want := func(since uint64, wantSeqs []uint64, wantPlaces [][]rules.Place) {
		t.Helper()
		seqs, places, err := db.LoadInhibited(t.Context(), 1, since)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(wantSeqs, seqs) + cmp.Diff(wantPlaces, places); diff != "" {
			t.Errorf("since %d (-want +got):\n%s", since, diff)
		}
	}
	want(0, []uint64{0, 7, 9}, [][]rules.Place{{warsaw}, {behind}, {}})
	want(7, []uint64{7, 9}, [][]rules.Place{{behind}, {}})
	if err := db.SaveSnapshot(t.Context(), 1, 7, 1, []byte("state")); err != nil {
		t.Fatal(err)
	}
	want(0, []uint64{7, 9}, [][]rules.Place{{behind}, {}}) // what was told after the snapshot's message is not in it
	if seqs, _, err := db.LoadInhibited(t.Context(), 2, 0); err != nil || len(seqs) != 1 {
		t.Errorf("partition 2: %v, %v", seqs, err)
	}
}
