package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// transaction is a transaction that saves round trips, because each makes two
// processes wait for a processor. What asks nothing waits and travels with the
// next question: the begin with the first, the last writes with the commit. It
// is for one goroutine, like any transaction.
type transaction struct {
	conn    *pgx.Conn
	waiting *pgx.Batch // what travels with the next question
	begun   bool       // something was sent
}

// runTransaction runs f in a transaction on conn. Begin is the statement that
// begins it.
func runTransaction(ctx context.Context, conn *pgx.Conn, begin string, f func(t *transaction) error) error {
	t := &transaction{conn: conn, waiting: new(pgx.Batch)}
	t.waiting.Queue(begin)
	defer t.rollback(ctx)
	if err := f(t); err != nil {
		return err
	}
	return t.commit(ctx)
}

// later leaves a batch to travel with the next question, whose errors are those
// of both. When answers of it are looked at, it does not travel with the commit:
// they may be a reason not to.
func (t *transaction) later(batch *pgx.Batch) {
	t.waiting.QueuedQueries = append(t.waiting.QueuedQueries, batch.QueuedQueries...)
}

// commit sends what waits, and the commit behind it. The server passes over a
// commit behind a statement that failed.
func (t *transaction) commit(ctx context.Context) error {
	if !t.begun && t.waiting.Len() == 1 {
		return nil // nothing but the begin: nobody has asked for anything
	}
	if slices.ContainsFunc(t.waiting.QueuedQueries, func(q *pgx.QueuedQuery) bool { return q.Fn != nil }) {
		if err := t.send(ctx); err != nil {
			return err
		}
	}
	t.waiting.Queue("commit").Exec(func(tag pgconn.CommandTag) error {
		if tag.String() == "ROLLBACK" {
			return pgx.ErrTxCommitRollback
		}
		return nil
	})
	return t.send(ctx)
}

// rollback ends a transaction that was not committed. When it cannot, the
// server does: the pool closes a connection that is in a transaction.
func (t *transaction) rollback(ctx context.Context) {
	if !t.conn.IsClosed() && t.conn.PgConn().TxStatus() != 'I' {
		_, _ = t.conn.Exec(ctx, "rollback")
	}
}

// send sends what waits.
func (t *transaction) send(ctx context.Context) error {
	if t.waiting.Len() == 0 {
		return nil
	}
	return t.conn.SendBatch(ctx, t.take()).Close()
}

// take takes what waits out of it.
func (t *transaction) take() *pgx.Batch {
	batch := t.waiting
	t.waiting, t.begun = new(pgx.Batch), true
	return batch
}

// SendBatch sends a batch behind what waits, in one round trip.
func (t *transaction) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	before := t.waiting.QueuedQueries
	t.later(b)
	results := t.conn.SendBatch(ctx, t.take())
	for _, q := range before {
		if err := readResult(results, q); err != nil {
			_ = results.Close() // reads the rest, and says the same or less
			return pgx.FailedBatchResults(b, err)
		}
	}
	return results
}

// readResult reads the result of a statement that the caller of SendBatch does
// not know of.
func readResult(results pgx.BatchResults, q *pgx.QueuedQuery) error {
	if q.Fn != nil {
		return q.Fn(results)
	}
	_, err := results.Exec()
	return err
}

// Exec is [pgx.Conn.Exec], after what waits.
func (t *transaction) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if err := t.send(ctx); err != nil {
		return pgconn.CommandTag{}, err
	}
	return t.conn.Exec(ctx, sql, args...)
}

// Query is [pgx.Conn.Query], after what waits.
func (t *transaction) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if err := t.send(ctx); err != nil {
		return nil, err
	}
	return t.conn.Query(ctx, sql, args...)
}

// QueryRow is [pgx.Conn.QueryRow], after what waits.
func (t *transaction) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if err := t.send(ctx); err != nil {
		return failedRow{err}
	}
	return t.conn.QueryRow(ctx, sql, args...)
}

// CopyFrom is [pgx.Conn.CopyFrom], after what waits.
func (t *transaction) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, src pgx.CopyFromSource) (int64, error) {
	if err := t.send(ctx); err != nil {
		return 0, err
	}
	return t.conn.CopyFrom(ctx, table, columns, src)
}

// raw returns the connection for what pgx has no method for, after what waits.
func (t *transaction) raw(ctx context.Context) (*pgconn.PgConn, error) {
	if err := t.send(ctx); err != nil {
		return nil, err
	}
	return t.conn.PgConn(), nil
}

// failedRow is a row that could not be asked for.
type failedRow struct{ err error }

// Scan is [pgx.Row]'s.
func (r failedRow) Scan(...any) error { return r.err }

// write sends statements whose answers nobody waits for; functions that were
// queued with them may look at these when they come. In a transaction the
// statements travel with what comes next, and what it returns may be their
// error; the last ones' is that of the commit.
func (db *DB) write(ctx context.Context, batch *pgx.Batch) error {
	if t, in := db.q.(*transaction); in {
		t.later(batch)
		return nil
	}
	return db.q.SendBatch(ctx, batch).Close()
}

// transact runs f in a transaction that begins with a statement of its own,
// or in the one that db is.
func (db *DB) transact(ctx context.Context, begin string, f func(tx *DB) error) error {
	if _, nested := db.q.(*transaction); nested {
		return f(db)
	}
	return db.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		return runTransaction(ctx, conn.Conn(), begin, func(t *transaction) error {
			tx := *db
			tx.q = t
			return f(&tx)
		})
	})
}
