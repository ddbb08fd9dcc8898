package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrFenced says that a partition is no longer the caller's: its lease went to
// another node, or to a later life of this one, so its transaction must not
// commit.
var ErrFenced = errors.New("postgres: partition lease lost")

// AcquireLease tries to take a partition of the log for a consumer ("rules",
// "history") on behalf of node, for ttl by the database's clock. It reports
// false while another node's lease runs. Every success counts the epoch up,
// which fences off whoever held it before. A node takes over its own lease at
// once: after a crash it does not wait for itself, so no two living nodes may
// have the same name.
func (db *DB) AcquireLease(
	ctx context.Context, consumer string, partition int, node string, ttl time.Duration,
) (epoch int64, ok bool, err error) {
	err = db.q.QueryRow(ctx, `
		insert into partition_leases as held (consumer, partition, node, epoch, expires_at)
		values (@consumer, @partition, @node, 1, clock_timestamp() + @ttl)
		on conflict (consumer, partition) do update
		set node = excluded.node, epoch = held.epoch + 1, expires_at = excluded.expires_at
		where held.expires_at <= clock_timestamp() or held.node = excluded.node
		returning epoch`,
		pgx.NamedArgs{"consumer": consumer, "partition": partition, "node": node, "ttl": ttl},
	).Scan(&epoch)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("acquire lease of %s partition %d: %w", consumer, partition, err)
	}
	return epoch, true, nil
}

// RenewLease makes a lease last for ttl from now. It returns [ErrFenced] when
// somebody took the partition meanwhile. A lease that ran out but was not
// taken is renewed.
func (db *DB) RenewLease(ctx context.Context, consumer string, partition int, epoch int64, ttl time.Duration) error {
	tag, err := db.q.Exec(ctx, `
		update partition_leases set expires_at = clock_timestamp() + @ttl
		where consumer = @consumer and partition = @partition and epoch = @epoch`,
		pgx.NamedArgs{"consumer": consumer, "partition": partition, "epoch": epoch, "ttl": ttl})
	if err == nil && tag.RowsAffected() == 0 {
		err = ErrFenced
	}
	if err != nil {
		return fmt.Errorf("renew lease of %s partition %d: %w", consumer, partition, err)
	}
	return nil
}

// ReleaseLease gives a partition back, so that another node may take it at
// once. A lease that is already somebody else's stays theirs.
func (db *DB) ReleaseLease(ctx context.Context, consumer string, partition int, epoch int64) error {
	// The row stays: its epoch must never be given out again.
	_, err := db.q.Exec(ctx, `
		update partition_leases set expires_at = '-infinity'
		where consumer = @consumer and partition = @partition and epoch = @epoch`,
		pgx.NamedArgs{"consumer": consumer, "partition": partition, "epoch": epoch})
	if err != nil {
		return fmt.Errorf("release lease of %s partition %d: %w", consumer, partition, err)
	}
	return nil
}

// Position is how far a consumer's committed work on one partition reaches,
// and under which lease it was done.
type Position struct {
	Partition int
	Epoch     int64
	Seq       uint64
}

// FencedError says which partitions are no longer the caller's. It is an
// [ErrFenced].
type FencedError struct {
	Consumer   string
	Partitions []int
}

// Error names the partitions.
func (e *FencedError) Error() string {
	return fmt.Sprintf("%v: %s %v", ErrFenced, e.Consumer, e.Partitions)
}

// Unwrap makes errors.Is(err, ErrFenced) true.
func (e *FencedError) Unwrap() error { return ErrFenced }

// AdvanceCheckpoint records that the effects of all messages of the partition
// up to seq are committed. Call it first in the transaction of those effects.
// When the epoch is not current the next statement, or the commit, fails with
// a [*FencedError]. From then to the end of the transaction nobody can take the
// partition, so a zombie never commits.
func (db *DB) AdvanceCheckpoint(ctx context.Context, consumer string, partition int, epoch int64, seq uint64) error {
	return db.AdvanceCheckpoints(ctx, consumer, []Position{{Partition: partition, Epoch: epoch, Seq: seq}})
}

// AdvanceCheckpoints is [DB.AdvanceCheckpoint] for several partitions, each of
// which must occur once. None moves when one is fenced.
func (db *DB) AdvanceCheckpoints(ctx context.Context, consumer string, positions []Position) error {
	if len(positions) == 0 {
		return nil
	}
	partitions := make([]int32, len(positions))
	epochs := make([]int64, len(positions))
	seqs := make([]int64, len(positions))
	for i, p := range positions {
		partitions[i], epochs[i], seqs[i] = int32(p.Partition), p.Epoch, int64(p.Seq)
	}
	// A share lock on the lease makes AcquireLease wait for this transaction.
	// Taken in one order, so that two transactions cannot deadlock.
	batch := new(pgx.Batch)
	batch.Queue(`
		with asked as (
			select * from unnest(@partitions::integer[], @epochs::bigint[], @seqs::bigint[]) as a (partition, epoch, seq)
		), held as materialized (
			select l.partition, l.epoch, a.seq
			from partition_leases l join asked a using (partition, epoch)
			where l.consumer = @consumer
			order by l.partition
			for share of l
		), moved as (
			insert into checkpoints as c (consumer, partition, seq, epoch)
			select @consumer, partition, seq, epoch from held
			on conflict (consumer, partition) do update
			set seq = excluded.seq, epoch = excluded.epoch, updated_at = now()
			where c.seq <= excluded.seq
			returning partition
		)
		select a.partition, held.partition is not null as held, moved.partition is not null as moved
		from asked a left join held using (partition) left join moved using (partition)
		where held.partition is null or moved.partition is null
		order by a.partition`,
		pgx.NamedArgs{"consumer": consumer, "partitions": partitions, "epochs": epochs, "seqs": seqs}).
		Query(func(rows pgx.Rows) error { return refusedPositions(consumer, rows) })
	if err := db.write(ctx, batch); err != nil {
		return fmt.Errorf("advance %s checkpoint: %w", consumer, err)
	}
	return nil
}

// refusedPositions returns an error of those positions that did not move: not
// held, or behind where they are.
func refusedPositions(consumer string, rows pgx.Rows) error {
	fenced := &FencedError{Consumer: consumer}
	var backward []int
	var partition int
	var held, moved bool
	_, err := pgx.ForEachRow(rows, []any{&partition, &held, &moved}, func() error {
		if held {
			backward = append(backward, partition)
		} else {
			fenced.Partitions = append(fenced.Partitions, partition)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case len(fenced.Partitions) > 0:
		return fenced
	case len(backward) > 0:
		return fmt.Errorf("partitions %v would fall back", backward)
	}
	return nil
}

// HoldLease returns a [*FencedError] when the epoch is not current, and else keeps
// others from taking the partition until the transaction it is called in ends.
func (db *DB) HoldLease(ctx context.Context, consumer string, partition int, epoch int64) error {
	var held bool
	err := db.q.QueryRow(ctx, `
		select true from partition_leases where consumer = $1 and partition = $2 and epoch = $3 for share`,
		consumer, partition, epoch).Scan(&held)
	if errors.Is(err, pgx.ErrNoRows) {
		return &FencedError{Consumer: consumer, Partitions: []int{partition}}
	}
	if err != nil {
		return fmt.Errorf("hold lease of %s partition %d: %w", consumer, partition, err)
	}
	return nil
}

// Checkpoint returns the position up to which the consumer's effects on the
// partition are committed, 0 when there are none.
func (db *DB) Checkpoint(ctx context.Context, consumer string, partition int) (seq uint64, err error) {
	err = db.q.QueryRow(ctx, `select seq from checkpoints where consumer = $1 and partition = $2`,
		consumer, partition).Scan(&seq)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read checkpoint of %s partition %d: %w", consumer, partition, err)
	}
	return seq, nil
}

// Checkpoints returns the consumer's position on every partition it has one
// on: what it no longer needs from the log.
func (db *DB) Checkpoints(ctx context.Context, consumer string) (map[int]uint64, error) {
	rows, err := db.q.Query(ctx, `select partition, seq from checkpoints where consumer = $1`, consumer)
	if err != nil {
		return nil, fmt.Errorf("read checkpoints of %s: %w", consumer, err)
	}
	seqs := make(map[int]uint64)
	var partition int
	var seq uint64
	_, err = pgx.ForEachRow(rows, []any{&partition, &seq}, func() error {
		seqs[partition] = seq
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read checkpoints of %s: %w", consumer, err)
	}
	return seqs, nil
}
