package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"telltale/devices"
	"telltale/internal/access"
	"telltale/internal/config"
	"telltale/internal/declare"
	"telltale/internal/postgres"
	"telltale/internal/views"
	"telltale/tickets"
)

// Admin works on a gateway's database from beside it: what commands do with
// --data or --config. A running gateway notices changes by itself.
type Admin struct {
	db    *postgres.DB
	gate  *access.Gate
	stops stack
}

// ErrInvalid marks errors that are the caller's: wrong declarations, names,
// passwords.
var ErrInvalid = errors.New("invalid input")

// OpenAdmin opens the database that the configuration names, bringing its
// schema up to date, and starts the private one if no gateway runs it. The
// caller closes the result.
func OpenAdmin(ctx context.Context, cfg config.Config) (_ *Admin, err error) {
	a := &Admin{}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.stops.unwind(ctx))
		}
	}()
	url, err := joinDatabase(ctx, cfg, &a.stops)
	if err != nil {
		return nil, err
	}
	if err := postgres.Migrate(ctx, url); err != nil {
		return nil, err
	}
	scripts, err := newScripts(&a.stops)
	if err != nil {
		return nil, err
	}
	a.db, err = postgres.Open(ctx, url, databaseOptions(cfg, scripts))
	if err != nil {
		return nil, err
	}
	a.stops.onStop("database connections", func(context.Context) error { a.db.Close(); return nil })
	a.gate = access.NewGate(a.db, access.Options{})
	return a, nil
}

// Close lets the database go.
func (a *Admin) Close() error { return a.stops.unwind(context.Background()) }

// Plan returns what applying the sources would change, as people read it.
func (a *Admin) Plan(ctx context.Context, sources []declare.Source) (string, error) {
	return a.declare(sources, func(set *declare.Set) (declare.Plan, error) { return a.db.Plan(ctx, set) })
}

// Apply declares all of the sources, or nothing, in the author's name.
func (a *Admin) Apply(ctx context.Context, sources []declare.Source, author string) (string, error) {
	return a.declare(sources, func(set *declare.Set) (declare.Plan, error) {
		return applyAndAwait(ctx, a.db, set, author)
	})
}

// applyAndAwait applies a set and waits until it counts.
func applyAndAwait(ctx context.Context, db *postgres.DB, set *declare.Set, author string) (declare.Plan, error) {
	plan, err := db.Apply(ctx, set, author)
	if err != nil {
		return plan, err
	}
	return plan, awaitNodes(ctx, db, plan.Version)
}

// Running gateways take a new version within milliseconds; nobody waits longer
// than this for one that hangs.
const (
	nodesPatience = 5 * time.Second
	nodesPoll     = 20 * time.Millisecond
)

// awaitNodes returns when all running gateways work by the version, so that
// what was declared counts from then on; or after a while, since a gateway
// that hangs must not keep anybody from declaring.
func awaitNodes(ctx context.Context, db *postgres.DB, version int64) error {
	ctx, cancel := context.WithTimeout(ctx, nodesPatience)
	defer cancel()
	ticker := time.NewTicker(nodesPoll)
	defer ticker.Stop()
	for {
		behind, err := db.NodesBehind(ctx, version)
		if behind == 0 || err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (a *Admin) declare(sources []declare.Source, do func(*declare.Set) (declare.Plan, error)) (string, error) {
	set, err := declare.ParseSources(sources...)
	if err != nil {
		return "", invalidDeclarations(err)
	}
	plan, err := do(set)
	if err != nil {
		return "", invalidDeclarations(err)
	}
	return plan.String(), nil
}

// invalidDeclarations marks the faults that are in what was declared.
func invalidDeclarations(err error) error {
	var faults declare.Errors
	if errors.As(err, &faults) {
		return invalid{faults}
	}
	return err
}

// invalid is an error of the caller's; its text stays as it is.
type invalid struct{ error }

func (e invalid) Unwrap() error        { return e.error }
func (e invalid) Is(target error) bool { return target == ErrInvalid }

// DevicePassword gives a declared device a new password for the embedded
// broker and returns it.
func (a *Admin) DevicePassword(ctx context.Context, id string) (string, error) {
	password, err := a.db.NewDevicePassword(ctx, devices.ID(id))
	if errors.Is(err, devices.ErrUnknown) {
		return "", invalid{fmt.Errorf("there is no device %q: declare it first", id)}
	}
	return password, err
}

// CreateToken makes a token of the API and returns it.
func (a *Admin) CreateToken(ctx context.Context, role, name string) (string, error) {
	token, err := a.gate.CreateToken(ctx, access.Role(role), name)
	return token, invalidAccess(err)
}

// AddUser lets a person log in.
func (a *Admin) AddUser(ctx context.Context, login, name, role, password string) error {
	return invalidAccess(a.gate.AddUser(ctx, login, name, access.Role(role), password))
}

func invalidAccess(err error) error {
	for _, sentinel := range []error{access.ErrInvalid, access.ErrExists, access.ErrRole} {
		if errors.Is(err, sentinel) {
			return invalid{err}
		}
	}
	return err
}

// ImportReport says what became of the rows of a CSV file.
type ImportReport struct {
	Rows     int
	Plan     string   // as people read it
	Rejected []string // file:line: sentence
}

// Import upserts the rows of a CSV file; those that are wrong are left out
// and reported.
func (a *Admin) Import(ctx context.Context, kind string, source declare.Source, author string) (ImportReport, error) {
	table, err := declare.ReadTable(kind, source.Name, bytes.NewReader(source.Text))
	if err != nil {
		return ImportReport{}, invalid{err}
	}
	imported, err := a.db.Import(ctx, table, author)
	if err != nil {
		return ImportReport{}, invalidDeclarations(err)
	}
	report := ImportReport{Rows: table.Len(), Plan: imported.Plan.String()}
	for _, fault := range imported.Rejected {
		report.Rejected = append(report.Rejected, fault.Error())
	}
	return report, nil
}

// ExplainHeldAlarm returns an alarm that was held back with all that explains it.
func (a *Admin) ExplainHeldAlarm(ctx context.Context, id string) (views.HeldAccount, error) {
	return a.db.HeldAccount(ctx, id)
}

// ExplainAlarm returns an alarm with all that explains it.
func (a *Admin) ExplainAlarm(ctx context.Context, id string) (views.AlarmAccount, error) {
	account, err := a.db.AlarmAccount(ctx, id)
	if errors.Is(err, tickets.ErrNotFound) {
		return account, invalid{err}
	}
	return account, err
}
