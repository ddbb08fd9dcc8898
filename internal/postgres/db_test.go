package postgres_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"telltale/internal/postgres"
	"telltale/internal/postgres/pgtest"
)

func TestATransactionHappensWhollyOrNotAtAll(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	broken := errors.New("broken")
	for _, fail := range []error{broken, nil} {
		err := db.InTx(t.Context(), func(tx *postgres.DB) error {
			if err := tx.SaveSnapshot(t.Context(), 1, 5, 1, nil); err != nil {
				return err
			}
			// A transaction within is the same one.
			return tx.InTx(t.Context(), func(inner *postgres.DB) error {
				if err := inner.SaveSnapshot(t.Context(), 2, 5, 1, nil); err != nil {
					return err
				}
				return fail
			})
		})
		if !errors.Is(err, fail) {
			t.Errorf("got %v, want %v", err, fail)
		}
		want := uint64(5)
		if fail != nil {
			want = 0
		}
		for partition := 1; partition <= 2; partition++ {
			if seq, _, _, err := db.LoadSnapshot(t.Context(), partition); err != nil || seq != want {
				t.Errorf("after %v: snapshot %d at %d (err %v), want %d", fail, partition, seq, err, want)
			}
		}
	}
}

func TestTransactionsThatBlockEachOtherBothHappen(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	epochs := make([]int64, 2)
	for p := range epochs {
		epoch, _, err := db.AcquireLease(t.Context(), "rules", p, "node", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		epochs[p] = epoch
	}

	// Each takes one row and then wants the other's: PostgreSQL ends one of
	// the two, and InTx runs it again.
	var met sync.WaitGroup
	met.Add(2)
	var both sync.WaitGroup
	for _, order := range [][2]int{{0, 1}, {1, 0}} {
		arrive := sync.OnceFunc(met.Done)
		both.Go(func() {
			err := db.InTx(t.Context(), func(tx *postgres.DB) error {
				if err := tx.RenewLease(t.Context(), "rules", order[0], epochs[order[0]], time.Hour); err != nil {
					return err
				}
				arrive()
				met.Wait()
				return tx.RenewLease(t.Context(), "rules", order[1], epochs[order[1]], time.Hour)
			})
			if err != nil {
				t.Errorf("order %v: %v", order, err)
			}
		})
	}
	both.Wait()
}

func TestATransactionThatAlwaysLosesIsGivenUp(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	lost := &pgconn.PgError{Code: "40001"}
	tries := 0
	err := db.InTx(t.Context(), func(*postgres.DB) error {
		tries++
		return lost
	})
	if !errors.Is(err, error(lost)) || tries != 5 {
		t.Errorf("%v after %d tries, want the lost race after 5", err, tries)
	}

	ctx, cancel := context.WithCancel(t.Context())
	tries = 0
	err = db.InTx(ctx, func(*postgres.DB) error {
		tries++
		cancel()
		return lost
	})
	if err == nil || tries != 1 {
		t.Errorf("%v after %d tries, want an end with the context", err, tries)
	}
}

func TestADatabaseThatCannotBeOpenedIsNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, url, want string }{
		{"an unreadable URL", "postgres://%zz", "database URL"},
		{"nobody there", "postgres://u@/db?host=" + t.TempDir(), "reach database"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := postgres.Open(t.Context(), c.url, postgres.Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
			if err := postgres.Migrate(t.Context(), c.url); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("migrate: got %v, want %q in it", err, c.want)
			}
		})
	}
}
