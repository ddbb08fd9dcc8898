package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/devices"
	"telltale/internal/declare"
)

// declarationsLock is the key of the advisory lock that applies take, so that
// two of them see each other's result and never half of it.
const declarationsLock = 0x7E11_7A1E

// declarationsChannel is where a new version of the declarations is announced.
const declarationsChannel = "telltale_declarations"

// Apply stores a set of declarations: all of it, or nothing. It checks the
// set against what is declared already; faults come back as [declare.Errors],
// and a rule that has changed meanwhile as [*declare.StaleError].
// Declarations that the set does not mention stay as they are. The version of
// all declarations is counted up when anything changed, and announced.
func (db *DB) Apply(ctx context.Context, set *declare.Set, author string) (declare.Plan, error) {
	var plan declare.Plan
	err := db.InTx(ctx, func(tx *DB) error {
		if err := tx.lockDeclarations(ctx); err != nil {
			return err
		}
		if err := tx.checkExpected(ctx, set); err != nil {
			return err
		}
		var err error
		if plan, err = tx.Plan(ctx, set); err != nil {
			return err
		}
		if plan.Empty() {
			return nil
		}
		if err := tx.storeDeclarations(ctx, set, plan, author); err != nil {
			return err
		}
		plan.Version, err = tx.bumpDeclarations(ctx)
		return err
	})
	if faults := (declare.Errors)(nil); errors.As(err, &faults) {
		return declare.Plan{}, faults // each says file and line: nothing may stand before them
	}
	if err != nil {
		return declare.Plan{}, fmt.Errorf("apply declarations: %w", err)
	}
	return plan, nil
}

// BackdateRules makes all rules count as in force since a time before now: for a
// demonstration, whose story begins hours before its rules are declared.
func (db *DB) BackdateRules(ctx context.Context, at time.Time) error {
	if _, err := db.q.Exec(ctx, `update rule_versions set created_at = least(created_at, $1)`, at); err != nil {
		return fmt.Errorf("backdate rules: %w", err)
	}
	return nil
}

// lockDeclarations lets one transaction at a time change declarations.
func (db *DB) lockDeclarations(ctx context.Context) error {
	if _, err := db.q.Exec(ctx, `select pg_advisory_xact_lock($1)`, int64(declarationsLock)); err != nil {
		return fmt.Errorf("lock declarations: %w", err)
	}
	return nil
}

// checkExpected makes sure that the set was made from the rules in force.
func (db *DB) checkExpected(ctx context.Context, set *declare.Set) error {
	expected := set.Expected()
	if len(expected) == 0 {
		return nil
	}
	rows, err := db.q.Query(ctx, `select id, version from rules where id = any($1)`, expected)
	if err != nil {
		return fmt.Errorf("read versions of rules: %w", err)
	}
	inForce := make(map[string]int)
	var id string
	var version int
	if _, err := pgx.ForEachRow(rows, []any{&id, &version}, func() error { inForce[id] = version; return nil }); err != nil {
		return fmt.Errorf("read versions of rules: %w", err)
	}
	return set.CheckExpected(inForce)
}

// CheckDraft finds all that is wrong with a draft at once, as [declare.Errors],
// and otherwise says what applying it would do and what is probably not meant
// with it. It changes nothing.
func (db *DB) CheckDraft(ctx context.Context, draft *declare.Draft) (plan declare.Plan, warnings declare.Errors, err error) {
	known, err := db.known(ctx, draft.Readable())
	if err != nil {
		return plan, nil, err
	}
	if warnings, err = draft.Check(known); err != nil {
		return plan, nil, err
	}
	set, err := draft.Set()
	if err != nil {
		return plan, nil, err
	}
	plan, err = db.planOf(ctx, set)
	return plan, warnings, err
}

// Plan checks a set and says what applying it would do. It changes nothing.
func (db *DB) Plan(ctx context.Context, set *declare.Set) (declare.Plan, error) {
	known, err := db.known(ctx, set)
	if err != nil {
		return declare.Plan{}, err
	}
	if err := set.Check(known); err != nil {
		return declare.Plan{}, err
	}
	return db.planOf(ctx, set)
}

// planOf compares a set that was checked with what is stored.
func (db *DB) planOf(ctx context.Context, set *declare.Set) (declare.Plan, error) {
	current, err := db.specs(ctx, set.Refs())
	if err != nil {
		return declare.Plan{}, err
	}
	plan, err := declare.Diff(current, set)
	if err != nil {
		return declare.Plan{}, err
	}
	plan.Version, err = db.DeclarationsVersion(ctx)
	return plan, err
}

// DeclarationsVersion returns the version of all declarations together. It
// starts at 0 and is counted up by every apply that changes something.
func (db *DB) DeclarationsVersion(ctx context.Context) (int64, error) {
	var version int64
	if err := db.q.QueryRow(ctx, `select version from declarations`).Scan(&version); err != nil {
		return 0, fmt.Errorf("read version of declarations: %w", err)
	}
	return version, nil
}

func (db *DB) bumpDeclarations(ctx context.Context) (int64, error) {
	var version int64
	err := db.q.QueryRow(ctx, `update declarations set version = version + 1 returning version`).Scan(&version)
	if err != nil {
		return 0, fmt.Errorf("count version of declarations: %w", err)
	}
	// Listeners hear of it when, and only when, the transaction commits.
	if _, err := db.q.Exec(ctx, `select pg_notify($1, $2::text)`, declarationsChannel, fmt.Sprint(version)); err != nil {
		return 0, fmt.Errorf("announce version %d of declarations: %w", version, err)
	}
	return version, nil
}

// tableOf names the table of a kind.
func tableOf(kind declare.Kind) string {
	switch kind {
	case declare.KindArticle:
		return "articles"
	case declare.KindModel:
		return "models"
	case declare.KindCustomer:
		return "customers"
	case declare.KindDevice:
		return "devices"
	case declare.KindProfile:
		return "storage_profiles"
	case declare.KindShipment:
		return "shipments"
	case declare.KindMaintenance:
		return "maintenance"
	default:
		return "rules"
	}
}

// specs returns the stored specs of the named declarations that exist.
func (db *DB) specs(ctx context.Context, refs []declare.Ref) (map[declare.Ref]json.RawMessage, error) {
	stored := make(map[declare.Ref]json.RawMessage)
	for kind, ids := range idsByKind(refs) {
		rows, err := db.q.Query(ctx, `select id, spec from `+tableOf(kind)+` where id = any($1)`, ids)
		if err != nil {
			return nil, fmt.Errorf("read specs of %s: %w", kind, err)
		}
		var id string
		var spec []byte
		_, err = pgx.ForEachRow(rows, []any{&id, &spec}, func() error {
			stored[declare.Ref{Kind: kind, ID: id}] = slices.Clone(spec)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read specs of %s: %w", kind, err)
		}
	}
	return stored, nil
}

func idsByKind(refs []declare.Ref) map[declare.Kind][]string {
	ids := make(map[declare.Kind][]string)
	for _, ref := range refs {
		ids[ref.Kind] = append(ids[ref.Kind], ref.ID)
	}
	return ids
}

// known reads what a set needs to be checked against.
func (db *DB) known(ctx context.Context, set *declare.Set) (declare.Known, error) {
	specs, err := db.specs(ctx, set.Outside())
	if err != nil {
		return declare.Known{}, err
	}
	known := declare.Known{
		Refs:         make(map[declare.Ref]bool, len(specs)),
		DeviceModels: make(map[devices.ID]string),
		Scripts:      db.scripts,
	}
	for ref, spec := range specs {
		known.Refs[ref] = true
		if ref.Kind == declare.KindDevice {
			device, err := declare.Decode[*devices.Device](spec)
			if err != nil {
				return declare.Known{}, err
			}
			known.DeviceModels[device.ID] = device.Model
		}
	}
	if known.Models, err = loadSpecs[*devices.Model](ctx, db, declare.KindModel); err != nil {
		return declare.Known{}, err
	}
	known.Rules, err = db.loadRules(ctx)
	return known, err
}
