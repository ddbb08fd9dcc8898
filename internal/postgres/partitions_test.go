package postgres_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/internal/postgres"
	"telltale/internal/postgres/pgtest"
)

func TestALeaseBelongsToOneNodeUntilItEnds(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)

	first := acquire(t, db, "a", time.Hour)
	if _, ok, err := db.AcquireLease(t.Context(), "rules", 3, "b", time.Hour); err != nil || ok {
		t.Fatalf("another node got a lease that runs (ok %t, err %v)", ok, err)
	}
	if _, ok, err := db.AcquireLease(t.Context(), "history", 3, "b", time.Hour); err != nil || !ok {
		t.Fatalf("another consumer did not get its own lease (ok %t, err %v)", ok, err)
	}
	if err := db.ReleaseLease(t.Context(), "rules", 3, first); err != nil {
		t.Fatal(err)
	}
	second := acquire(t, db, "b", time.Hour)
	if second <= first {
		t.Errorf("epoch %d after %d: it must count up over a release", second, first)
	}

	// The old holder's late release must not free the new holder's lease.
	if err := db.ReleaseLease(t.Context(), "rules", 3, first); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := db.AcquireLease(t.Context(), "rules", 3, "c", time.Hour); err != nil || ok {
		t.Errorf("an old release freed the lease (ok %t, err %v)", ok, err)
	}
}

func TestALeaseThatRanOutGoesToWhoAsksFirst(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)

	first := acquire(t, db, "a", -time.Second)
	if err := db.RenewLease(t.Context(), "rules", 3, first, -time.Second); err != nil {
		t.Errorf("a lease that nobody took could not be renewed: %v", err)
	}
	acquire(t, db, "b", time.Hour)
	if err := db.RenewLease(t.Context(), "rules", 3, first, time.Hour); !errors.Is(err, postgres.ErrFenced) {
		t.Errorf("renewing a lease that was taken: %v, want ErrFenced", err)
	}
}

func TestANodeTakesOverItsOwnLeaseAfterACrash(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)

	before := acquire(t, db, "a", time.Hour)
	after := acquire(t, db, "a", time.Hour)
	if after <= before {
		t.Errorf("epoch %d after %d", after, before)
	}
	err := db.AdvanceCheckpoint(t.Context(), "rules", 3, before, 10)
	if !errors.Is(err, postgres.ErrFenced) {
		t.Errorf("the former life committed: %v", err)
	}
}

func TestOfManyWhoAcquireAtOnceOneWins(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)

	var won atomic.Int32
	var nodes sync.WaitGroup
	for _, node := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		nodes.Go(func() {
			_, ok, err := db.AcquireLease(t.Context(), "rules", 3, node, time.Hour)
			if err != nil {
				t.Errorf("node %s: %v", node, err)
			}
			if ok {
				won.Add(1)
			}
		})
	}
	nodes.Wait()
	if won.Load() != 1 {
		t.Errorf("%d nodes hold the partition, want 1", won.Load())
	}
}

func TestAZombieNeverCommits(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	zombie := acquire(t, db, "a", -time.Second)

	// The zombie is in its transaction, effects written, not yet at its
	// checkpoint, when another node takes the partition.
	err := db.InTx(t.Context(), func(tx *postgres.DB) error {
		if err := tx.SaveSnapshot(t.Context(), 3, 99, 1, []byte("zombie")); err != nil {
			return err
		}
		acquire(t, db, "b", time.Hour)
		return tx.AdvanceCheckpoint(t.Context(), "rules", 3, zombie, 99)
	})

	var fenced *postgres.FencedError
	if !errors.As(err, &fenced) {
		t.Fatalf("the zombie's transaction: %v, want a FencedError", err)
	}
	if diff := cmp.Diff([]int{3}, fenced.Partitions); diff != "" {
		t.Errorf("fenced partitions (-want +got):\n%s", diff)
	}
	if seq, _, _, err := db.LoadSnapshot(t.Context(), 3); err != nil || seq != 0 {
		t.Errorf("the zombie's effect is there: snapshot at %d (err %v)", seq, err)
	}
}

func TestTakingAPartitionWaitsForACommitUnderTheOldLease(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	old := acquire(t, db, "a", -time.Second)

	taken := make(chan error, 1)
	err := db.InTx(t.Context(), func(tx *postgres.DB) error {
		if err := tx.AdvanceCheckpoint(t.Context(), "rules", 3, old, 7); err != nil {
			return err
		}
		if seq, err := tx.Checkpoint(t.Context(), "rules", 3); err != nil || seq != 7 {
			t.Errorf("checkpoint %d (err %v) in its own transaction, want 7", seq, err)
		}
		// The fence holds from that statement on: the taker cannot have it
		// before we commit, so it will read our checkpoint.
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, ok, err := db.AcquireLease(ctx, "rules", 3, "b", time.Hour); err == nil {
			t.Errorf("the partition was taken (ok %t) in the middle of a commit", ok)
		}
		go func() {
			_, _, err := db.AcquireLease(t.Context(), "rules", 3, "b", time.Hour)
			taken <- err
		}()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-taken; err != nil {
		t.Fatal(err)
	}
	if seq, err := db.Checkpoint(t.Context(), "rules", 3); err != nil || seq != 7 {
		t.Errorf("checkpoint %d (err %v), want 7", seq, err)
	}
}

func TestCheckpointsMoveTogetherOrNotAtAll(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	var held []postgres.Position
	for partition := range 3 {
		epoch, _, err := db.AcquireLease(t.Context(), "history", partition, "a", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, postgres.Position{Partition: partition, Epoch: epoch, Seq: 5})
	}
	if err := db.AdvanceCheckpoints(t.Context(), "history", held); err != nil {
		t.Fatal(err)
	}

	stale := append([]postgres.Position(nil), held...)
	for i := range stale {
		stale[i].Seq = 6
	}
	stale[1].Epoch--
	err := db.InTx(t.Context(), func(tx *postgres.DB) error {
		return tx.AdvanceCheckpoints(t.Context(), "history", stale)
	})
	var fenced *postgres.FencedError
	if !errors.As(err, &fenced) || !cmp.Equal(fenced.Partitions, []int{1}) {
		t.Errorf("one stale epoch of three: %v, want partition 1 fenced", err)
	}
	want := map[int]uint64{0: 5, 1: 5, 2: 5}
	if got, err := db.Checkpoints(t.Context(), "history"); err != nil || !cmp.Equal(want, got) {
		t.Errorf("checkpoints %v (err %v), want %v", got, err, want)
	}
}

func TestACheckpointDoesNotFallBack(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	epoch := acquire(t, db, "a", time.Hour)
	for _, step := range []struct {
		name string
		seq  uint64
		ok   bool
	}{
		{"the first position", 5, true},
		{"the same again, after a commit whose answer got lost", 5, true},
		{"an earlier one", 4, false},
		{"a later one", 6, true},
	} {
		err := db.AdvanceCheckpoint(t.Context(), "rules", 3, epoch, step.seq)
		if (err == nil) != step.ok {
			t.Errorf("%s: %v", step.name, err)
		}
	}
}

// acquire takes partition 3 of the rules consumer.
func acquire(t *testing.T, db *postgres.DB, node string, ttl time.Duration) int64 {
	t.Helper()
	epoch, ok, err := db.AcquireLease(t.Context(), "rules", 3, node, ttl)
	if err != nil || !ok {
		t.Fatalf("node %s did not get the lease: ok %t, err %v", node, ok, err)
	}
	return epoch
}
