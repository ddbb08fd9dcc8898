package postgres

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

func TestAnswersOfTheDatabaseMeanWhatTheDomainSays(t *testing.T) {
	t.Parallel()
	var (
		errNotFound = errors.New("tickets: not found")
		errOpen     = errors.New("tickets: already open")
		errNobody   = errors.New("tickets: no such customer")
		other       = errors.New("connection refused")
		unique      = &pgconn.PgError{Code: "23505", ConstraintName: "tickets_one_unsolved", Message: "duplicate key"}
		foreign     = &pgconn.PgError{Code: "23503", ConstraintName: "tickets_customer_id_fkey"}
		syntax      = &pgconn.PgError{Code: "42601", ConstraintName: "tickets_one_unsolved"}
	)
	meanings := []meaning{
		noRows(errNotFound), violates("tickets_one_unsolved", errOpen), violatesKind(foreignKeyViolation, errNobody),
	}
	for _, c := range []struct {
		name string
		err  error
		want error
	}{
		{"no rows", pgx.ErrNoRows, errNotFound},
		{"no rows, wrapped", fmt.Errorf("read ticket: %w", pgx.ErrNoRows), errNotFound},
		{"the named constraint", unique, errOpen},
		{"any constraint of a kind", fmt.Errorf("insert: %w", foreign), errNobody},
		{"an error that is no violation, whatever it names", syntax, syntax},
		{"an error of another sort", other, other},
		{"none", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := meant(c.err, meanings...)
			if !errors.Is(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	if err := meant(unique, meanings...); !errors.Is(err, error(unique)) {
		t.Errorf("%v has lost what the database said", err)
	}
}
