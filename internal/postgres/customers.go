package postgres

import (
	"context"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"telltale/internal/declare"
	"telltale/tickets/crm"
)

// ListCustomers returns the selected customers ordered by id.
func (db *DB) ListCustomers(ctx context.Context, query crm.Query) ([]*crm.Customer, error) {
	rows, err := db.q.Query(ctx, `
		select spec from customers
		where id > @after and (@tier = '' or tier = @tier)
		order by id
		limit @limit`,
		pgx.NamedArgs{"after": query.After, "tier": query.Tier, "limit": rowLimit(query.Limit)})
	if err != nil {
		return nil, fmt.Errorf("list customers: %w", err)
	}
	customers, err := pgx.CollectRows(rows, scanCustomer)
	if err != nil {
		return nil, fmt.Errorf("list customers: %w", err)
	}
	return customers, nil
}

// Customer returns one customer, or an error that is [crm.ErrNotFound].
func (db *DB) Customer(ctx context.Context, id string) (*crm.Customer, error) {
	return readOne(ctx, db, "customer "+id, fmt.Errorf("%w: %s", crm.ErrNotFound, id), scanCustomer,
		`select spec from customers where id = $1`, id)
}

func scanCustomer(row pgx.CollectableRow) (*crm.Customer, error) {
	var spec []byte
	if err := row.Scan(&spec); err != nil {
		return nil, err
	}
	return declare.Decode[*crm.Customer](spec)
}

// rowLimit returns the limit of a list for SQL; zero asks for all.
func rowLimit(limit int) int {
	if limit <= 0 {
		return math.MaxInt32
	}
	return limit
}
