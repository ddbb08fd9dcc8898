package postgres

import (
	"context"
	"errors"
	"fmt"

	"telltale/internal/declare"
)

// Imported is what became of a table's rows.
type Imported struct {
	Plan     declare.Plan
	Rejected declare.Errors // rows that were left out, with their reasons
}

// Import stores the good rows of a table and reports the others. It is one
// transaction: the good rows are stored together, or none of them.
func (db *DB) Import(ctx context.Context, table *declare.Table, author string) (Imported, error) {
	var result Imported
	err := db.InTx(ctx, func(tx *DB) error {
		if err := tx.lockDeclarations(ctx); err != nil {
			return err
		}
		current, err := tx.specs(ctx, table.Refs())
		if err != nil {
			return err
		}
		set, rejected := table.Resolve(current)
		if set, rejected, err = tx.dropFaulty(ctx, set, rejected); err != nil {
			return err
		}
		result.Rejected = rejected
		result.Plan, err = tx.Apply(ctx, set, author)
		return err
	})
	if err != nil {
		return Imported{}, fmt.Errorf("import: %w", err)
	}
	return result, nil
}

// dropFaulty leaves out the declarations that do not stand up to what is
// declared already, until the rest does.
func (db *DB) dropFaulty(
	ctx context.Context, set *declare.Set, rejected declare.Errors,
) (*declare.Set, declare.Errors, error) {
	for {
		known, err := db.known(ctx, set)
		if err != nil {
			return nil, nil, err
		}
		var faults declare.Errors
		if !errors.As(set.Check(known), &faults) {
			return set, rejected, nil
		}
		faulty := make(map[declare.Ref]bool, len(faults))
		for _, fault := range faults {
			faulty[fault.Ref] = true
		}
		set, rejected = set.Without(faulty), append(rejected, faults...)
	}
}
