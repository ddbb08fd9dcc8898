package postgres_test

import (
	"bytes"
	"errors"
	"sync"
	"testing"
	"time"

	"telltale/internal/postgres"
	"telltale/internal/postgres/pgtest"
)

func TestASnapshotIsReplacedByALaterOneOnly(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	if seq, version, state, err := db.LoadSnapshot(t.Context(), 1); err != nil || seq != 0 || version != 0 || state != nil {
		t.Errorf("no snapshot: %d %d %q %v", seq, version, state, err)
	}
	for _, s := range []struct {
		seq   uint64
		state string
	}{{10, "ten"}, {20, "twenty"}, {15, "fifteen"}} {
		if err := db.SaveSnapshot(t.Context(), 1, s.seq, 7, []byte(s.state)); err != nil {
			t.Fatal(err)
		}
	}
	seq, version, state, err := db.LoadSnapshot(t.Context(), 1)
	if err != nil || seq != 20 || version != 7 || string(state) != "twenty" {
		t.Errorf("snapshot %d %d %q %v, want 20 7 twenty", seq, version, state, err)
	}
}

func TestALargeSnapshotComesBackWholeAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	large := make([]byte, 5<<20+7)
	for i := range large {
		large[i] = byte(i * i >> 8)
	}
	for seq, state := range [][]byte{1: large, 2: large[:1<<20], 3: large[:1], 4: {}, 5: large} {
		if err := f.db.SaveSnapshot(t.Context(), 1, uint64(seq), 7, state); err != nil {
			t.Fatal(err)
		}
		if _, _, got, err := f.db.LoadSnapshot(t.Context(), 1); err != nil || !bytes.Equal(got, state) {
			t.Errorf("%d bytes came back as %d, err %v", len(state), len(got), err)
		}
	}
	if n := f.count(`select count(*) from rule_snapshot_parts`); n != 6 {
		t.Errorf("%d parts, want those of the last, 6", n)
	}
}

// Two saves at once, as of a worker and of the one that took its partition.
func TestSnapshotsThatAreSavedAtOnceDoNotMix(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	var savers sync.WaitGroup
	for seq := range uint64(20) {
		savers.Go(func() {
			if err := db.SaveSnapshot(t.Context(), 1, seq+1, 7, bytes.Repeat([]byte{byte(seq)}, 3<<20)); err != nil {
				t.Error(err)
			}
		})
	}
	savers.Wait()
	seq, _, state, err := db.LoadSnapshot(t.Context(), 1)
	if err != nil || seq != 20 || !bytes.Equal(state, bytes.Repeat([]byte{19}, 3<<20)) {
		t.Errorf("snapshot at %d of %d bytes, err %v, want the latest", seq, len(state), err)
	}
}

func TestAZombieSavesNoSnapshot(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	zombie := acquire(t, db, "a", -time.Second)
	save := func(seq uint64, epoch int64) error {
		return db.InTx(t.Context(), func(tx *postgres.DB) error {
			if err := tx.SaveSnapshot(t.Context(), 3, seq, 1, []byte("state")); err != nil {
				return err
			}
			return tx.HoldLease(t.Context(), "rules", 3, epoch)
		})
	}
	if err := save(5, zombie); err != nil { // nobody else has the partition yet
		t.Fatal(err)
	}
	next := acquire(t, db, "b", time.Hour)
	if err := save(6, zombie); !errors.Is(err, postgres.ErrFenced) {
		t.Errorf("the zombie: %v, want ErrFenced", err)
	}
	if err := save(7, next); err != nil {
		t.Fatal(err)
	}
	if seq, _, _, err := db.LoadSnapshot(t.Context(), 3); err != nil || seq != 7 {
		t.Errorf("snapshot at %d, err %v, want 7", seq, err)
	}
}

func TestASnapshotSurvivesTheWayToPartsAndBack(t *testing.T) {
	t.Parallel()
	const before = 22
	f := newFixture(t)
	state := bytes.Repeat([]byte("state"), 1<<19)
	if err := f.db.SaveSnapshot(t.Context(), 1, 5, 7, state); err != nil {
		t.Fatal(err)
	}
	if err := f.db.SaveSnapshot(t.Context(), 2, 6, 7, nil); err != nil {
		t.Fatal(err)
	}
	url := f.conn.Config().ConnString()
	if err := postgres.MigrateDown(t.Context(), url, before); err != nil {
		t.Fatal(err)
	}
	if n := f.count(`select sum(length(state)) from rule_snapshots`); n != len(state) {
		t.Errorf("%d bytes in one piece, want %d", n, len(state))
	}
	if err := postgres.Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	for partition, want := range map[int][]byte{1: state, 2: nil} {
		if _, _, got, err := f.db.LoadSnapshot(t.Context(), partition); err != nil || !bytes.Equal(got, want) {
			t.Errorf("partition %d: %d bytes came back as %d, err %v", partition, len(want), len(got), err)
		}
	}
}
