package postgres

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// meaning says what an answer of the database means to the domain. The
// sentinel belongs to the domain package, so callers never see the driver:
//
//	return meant(err, noRows(tickets.ErrNotFound), violates("tickets_one_unsolved", tickets.ErrAlreadyOpen))
type meaning struct {
	says  func(error) bool
	means error
}

// noRows is the meaning of a query for one row that found none.
func noRows(means error) meaning {
	return meaning{means: means, says: func(err error) bool { return errors.Is(err, pgx.ErrNoRows) }}
}

// violates is the meaning of breaking the named constraint or unique index.
func violates(constraint string, means error) meaning {
	return meaning{means: means, says: func(err error) bool {
		var pgErr *pgconn.PgError
		return errors.As(err, &pgErr) && isViolation(pgErr.Code) && pgErr.ConstraintName == constraint
	}}
}

// violatesKind is the meaning of breaking any constraint of the kind, for
// statements that can break only one of it.
func violatesKind(kind violation, means error) meaning {
	return meaning{means: means, says: func(err error) bool {
		var pgErr *pgconn.PgError
		return errors.As(err, &pgErr) && pgErr.Code == string(kind)
	}}
}

// violation is a kind of broken constraint, as PostgreSQL's error code.
type violation string

// The kinds that statements of ours can meet.
const (
	foreignKeyViolation violation = "23503"
	uniqueViolation     violation = "23505"
)

// isViolation reports whether code is of class 23, integrity constraint
// violation.
func isViolation(code string) bool { return len(code) == 5 && code[:2] == "23" }

// meant translates err: the first meaning that fits replaces it. The
// sentinel alone says that a row is missing; for a broken constraint the
// database's own words, which name the key, stay behind it. An error that
// means nothing in particular is returned as it is, nil as nil.
func meant(err error, meanings ...meaning) error {
	if err == nil {
		return nil
	}
	for _, m := range meanings {
		if !m.says(err) {
			continue
		}
		if errors.Is(err, pgx.ErrNoRows) {
			return m.means
		}
		return fmt.Errorf("%w: %w", m.means, err)
	}
	return err
}
