package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"telltale/devices"
	"telltale/devices/shipments"
	"telltale/internal/declare"
	"telltale/rules"
	"telltale/tickets"
	"telltale/tickets/crm"
)

// Declarations is everything declared that the gateway works by, at one
// version.
type Declarations struct {
	Version   int64
	Directory *devices.Directory
	Rules     []rules.Rule
	Profiles  []shipments.StorageProfile
	Shipments []shipments.Shipment

	Maintenance []rules.Maintenance
}

// LoadDeclarations reads directory, rules, profiles and shipments as they
// were at one moment, so that no rule meets the directory of another version.
func (db *DB) LoadDeclarations(ctx context.Context) (Declarations, error) {
	var d Declarations
	err := db.inSnapshot(ctx, func(tx *DB) (err error) {
		if d.Directory, err = tx.LoadDirectory(ctx); err != nil {
			return err
		}
		if d.Rules, err = tx.LoadRules(ctx); err != nil {
			return err
		}
		if d.Maintenance, err = tx.LoadMaintenance(ctx); err != nil {
			return err
		}
		if d.Profiles, err = tx.LoadProfiles(ctx); err != nil {
			return err
		}
		d.Shipments, err = tx.LoadShipments(ctx)
		return err
	})
	if err != nil {
		return Declarations{}, err
	}
	d.Version = d.Directory.Version()
	return d, nil
}

// LoadDirectory reads all models and devices, and the version they are of.
func (db *DB) LoadDirectory(ctx context.Context) (*devices.Directory, error) {
	var directory *devices.Directory
	err := db.inSnapshot(ctx, func(tx *DB) error {
		version, err := tx.DeclarationsVersion(ctx)
		if err != nil {
			return err
		}
		models, err := loadSpecs[*devices.Model](ctx, tx, declare.KindModel)
		if err != nil {
			return err
		}
		all, err := loadSpecs[*devices.Device](ctx, tx, declare.KindDevice)
		if err != nil {
			return err
		}
		directory = devices.NewDirectory(version, models, all)
		return nil
	})
	return directory, err
}

// LoadRules reads all rules in their present versions, those that are off
// included, ordered by id.
func (db *DB) LoadRules(ctx context.Context) ([]rules.Rule, error) {
	all, err := db.loadRules(ctx)
	return deref(all), err
}

func (db *DB) loadRules(ctx context.Context) ([]*rules.Rule, error) {
	rows, err := db.q.Query(ctx, `select spec, version from rules order by id`)
	if err != nil {
		return nil, fmt.Errorf("load rules: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*rules.Rule, error) {
		var spec []byte
		var version int
		if err := row.Scan(&spec, &version); err != nil {
			return nil, err
		}
		rule, err := declare.Decode[*rules.Rule](spec)
		if err != nil {
			return nil, err
		}
		rule.Version = version
		return rule, nil
	})
	if err != nil {
		return nil, fmt.Errorf("load rules: %w", err)
	}
	return all, nil
}

// LoadShipments reads all shipments, ordered by id.
func (db *DB) LoadShipments(ctx context.Context) ([]shipments.Shipment, error) {
	all, err := loadSpecs[*shipments.Shipment](ctx, db, declare.KindShipment)
	return deref(all), err
}

// LoadProfiles reads all storage profiles, ordered by id.
func (db *DB) LoadProfiles(ctx context.Context) ([]shipments.StorageProfile, error) {
	all, err := loadSpecs[*shipments.StorageProfile](ctx, db, declare.KindProfile)
	return deref(all), err
}

// LoadMaintenance reads all planned work, ordered by id.
func (db *DB) LoadMaintenance(ctx context.Context) ([]rules.Maintenance, error) {
	all, err := loadSpecs[*rules.Maintenance](ctx, db, declare.KindMaintenance)
	return deref(all), err
}

// LoadCustomers reads all customers, ordered by id.
func (db *DB) LoadCustomers(ctx context.Context) ([]crm.Customer, error) {
	all, err := loadSpecs[*crm.Customer](ctx, db, declare.KindCustomer)
	return deref(all), err
}

// LoadArticles reads all articles, ordered by id.
func (db *DB) LoadArticles(ctx context.Context) ([]tickets.Article, error) {
	all, err := loadSpecs[*tickets.Article](ctx, db, declare.KindArticle)
	return deref(all), err
}

// loadSpecs reads all declarations of one kind, ordered by id.
func loadSpecs[T declare.Declaration](ctx context.Context, db *DB, kind declare.Kind) ([]T, error) {
	rows, err := db.q.Query(ctx, `select spec from `+tableOf(kind)+` order by id`)
	if err != nil {
		return nil, fmt.Errorf("load %s declarations: %w", kind, err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (T, error) {
		var spec []byte
		if err := row.Scan(&spec); err != nil {
			var none T
			return none, err
		}
		return declare.Decode[T](spec)
	})
	if err != nil {
		return nil, fmt.Errorf("load %s declarations: %w", kind, err)
	}
	return all, nil
}

func deref[T any](pointers []*T) []T {
	all := make([]T, len(pointers))
	for i, p := range pointers {
		all[i] = *p
	}
	return all
}

// inSnapshot runs f in a transaction that sees one moment of the database.
// Inside a transaction it runs f in that same one, with what that sees.
func (db *DB) inSnapshot(ctx context.Context, f func(tx *DB) error) error {
	return db.transact(ctx, "begin isolation level repeatable read read only", f)
}
