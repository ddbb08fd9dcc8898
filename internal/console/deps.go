package console

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"telltale/devices"
	"telltale/ingest"
	"telltale/ingest/codec"
	"telltale/ingest/history"
	"telltale/internal/access"
	"telltale/internal/declare"
	"telltale/internal/idempotency"
	"telltale/internal/views"
	"telltale/rules"
	"telltale/tickets"
	"telltale/tickets/crm"
	"telltale/tickets/outbox"
	"telltale/tickets/recalls"
)

// Deps is what the console asks and acts through. All fields are required.
type Deps struct {
	Access  *access.Gate
	Answers Answers
	Events  Events

	Tickets      Tickets
	Alarms       Alarms
	HeldAlarms   HeldAlarms
	Desk         Desk
	Customers    Customers
	Devices      Devices
	History      History
	Archive      history.Archive // what backtests play
	Shipments    Shipments
	Recalls      Recalls
	RecallDesk   RecallDesk
	Declarations Declarations
	RuleHistory  RuleHistory
	Quarantine   Quarantine
	Replays      Replays
	Replayer     Replayer
	Importer     Importer
	LoggerAlarms LoggerAlarms
	Sources      Sources
	Traces       Traces
	Pages        PageReads
}

// validate names every part that is missing.
func (d Deps) validate() error {
	var errs []error
	v := reflect.ValueOf(d)
	for i := range v.NumField() {
		if v.Field(i).IsNil() {
			errs = append(errs, fmt.Errorf("%s is missing", v.Type().Field(i).Name))
		}
	}
	return errors.Join(errs...)
}

// Sources are the topics that are listened to.
type Sources interface {
	Sources() []codec.Source

	// Try says what would become of a message received now, and stores
	// nothing. The error is [ingest.ErrNoSource] when there is no such source.
	Try(ctx context.Context, q ingest.TrialRequest) (ingest.Trial, error)
}

// Traces follow a message through the gateway.
type Traces interface {
	Trace(ctx context.Context, position views.Position) (views.Trace, error)
}

// Answers keeps the answers to requests with an Idempotency-Key.
type Answers interface {
	idempotency.Store
	PruneKeys(ctx context.Context, before time.Time) error
}

// Events is the table of everything that others want to hear of.
type Events interface {
	// LastEvent returns the highest position so far, 0 when there is none.
	LastEvent(ctx context.Context) (int64, error)

	// EventsAfter returns up to limit events after a position, ascending, and
	// what else was going on when they were read.
	EventsAfter(ctx context.Context, after int64, limit int) ([]outbox.Event, outbox.Snapshot, error)

	// WatchEvents calls wake whenever there may be new events. It returns when
	// ctx ends or the connection is lost.
	WatchEvents(ctx context.Context, wake func()) error
}

// Tickets are read here; they change at the desk.
type Tickets interface {
	ListTickets(ctx context.Context, query tickets.Query) ([]*tickets.Ticket, error)
	Ticket(ctx context.Context, id string) (*tickets.Ticket, error)
}

// Alarms are read here; they change at the desk.
type Alarms interface {
	ListAlarms(ctx context.Context, query tickets.AlarmQuery) ([]*tickets.Alarm, error)
	Alarm(ctx context.Context, id string) (*tickets.Alarm, error)
	AlarmAccount(ctx context.Context, id string) (views.AlarmAccount, error)
}

// HeldAlarms is what would have been raised but for something that held it back.
type HeldAlarms interface {
	HeldAlarms(ctx context.Context, query tickets.HeldQuery) ([]*tickets.HeldAlarm, error)
	HeldAccount(ctx context.Context, id string) (views.HeldAccount, error)
}

// Desk is where people's acts on tickets and alarms enter.
type Desk interface {
	Comment(ctx context.Context, id, person, text string, public bool) (*tickets.Ticket, error)
	Update(ctx context.Context, id, person string, patch tickets.Patch) (*tickets.Ticket, error)
	FileComplaint(ctx context.Context, person string, c tickets.Complaint) (*tickets.Ticket, error)
	AcknowledgeAlarm(ctx context.Context, id, person, comment string) (*tickets.Alarm, error)
	ShelveAlarm(ctx context.Context, id, person string, until time.Time, reason string) (*tickets.Alarm, error)
	UnshelveAlarm(ctx context.Context, id, person string) (*tickets.Alarm, error)
}

// Customers are declared.
type Customers interface {
	ListCustomers(ctx context.Context, query crm.Query) ([]*crm.Customer, error)
	Customer(ctx context.Context, id string) (*crm.Customer, error)
}

// Devices are declared, with what is known of them now.
type Devices interface {
	ListDevices(ctx context.Context, query devices.Query, now time.Time) ([]devices.Summary, error)
	Device(ctx context.Context, id devices.ID, now time.Time) (devices.Summary, error)
}

// Shipments are declared, with the evidence of what happened to them.
type Shipments interface {
	ListShipments(ctx context.Context, query recalls.ShipmentQuery) ([]recalls.Summary, error)
	Shipment(ctx context.Context, id string) (*recalls.Summary, error)
	recalls.Reader
}

// Recalls and holds are read here; they change at their desk.
type Recalls interface {
	ListRecalls(ctx context.Context, query recalls.Query) ([]*recalls.Recall, error)
	Recall(ctx context.Context, id string) (*recalls.Recall, error)
	ListHolds(ctx context.Context, query recalls.HoldQuery) ([]recalls.Hold, error)
}

// RecallDesk is where people's decisions about goods enter.
type RecallDesk interface {
	Create(ctx context.Context, person string, q recalls.Request) (*recalls.Recall, error)
	Approve(ctx context.Context, id, person, comment string) (*recalls.Recall, error)
	Reject(ctx context.Context, id, person, reason string) (*recalls.Recall, error)
	Close(ctx context.Context, id, person, reason string) (*recalls.Recall, error)
	Answer(ctx context.Context, id, person string, a recalls.Answer) (*recalls.Recall, error)
	ReleaseHold(ctx context.Context, id, person, reason string) (*recalls.Hold, error)
}

// History answers what was measured.
type History interface {
	Range(ctx context.Context, query history.Query) ([]history.Bucket, error)
	RawPoints(ctx context.Context, device devices.ID, metric string, from, to time.Time) ([]history.Point, error)
}

// Declarations are changed all or nothing.
type Declarations interface {
	Plan(ctx context.Context, set *declare.Set) (declare.Plan, error)
	Apply(ctx context.Context, set *declare.Set, author string) (declare.Plan, error)

	// CheckDraft says all that is wrong with a draft, as [declare.Errors], or
	// else what applying it would do and what is probably not meant.
	CheckDraft(ctx context.Context, draft *declare.Draft) (declare.Plan, declare.Errors, error)

	LoadRules(ctx context.Context) ([]rules.Rule, error)

	// RuleHealth returns how those rules fare that are not well, by id.
	RuleHealth(ctx context.Context) (map[string]views.RuleHealth, error)
	LoadDirectory(ctx context.Context) (*devices.Directory, error)
	LoadMaintenance(ctx context.Context) ([]rules.Maintenance, error)
}

// RuleHistory is every version that rules ever had.
type RuleHistory interface {
	// RuleVersions returns versions below one, the latest first; from the
	// latest on when below is 0.
	RuleVersions(ctx context.Context, id string, below, limit int) ([]views.RuleVersion, error)

	// RuleVersion is nil when there never was such a one.
	RuleVersion(ctx context.Context, id string, version int) (*views.RuleVersion, error)
}

// Quarantine holds the messages that were refused. Errors about ids that name
// nothing are [ingest.ErrNotQuarantined].
type Quarantine interface {
	ListQuarantined(ctx context.Context, query views.RefusedQuery) (views.Page[views.RefusedRow], error)
	Refused(ctx context.Context, id string) (views.RefusedRow, error)
	UnclaimedRows(ctx context.Context, query views.UnclaimedQuery) (views.Page[views.UnclaimedRow], error)
	Unclaimed(ctx context.Context, id devices.ID) (views.UnclaimedRow, error)
	CountUnclaimed(ctx context.Context) (int64, error)
}

// Replays are requested here and worked on by a [Replayer].
type Replays interface {
	RequestReplay(ctx context.Context, s views.ReplaySelection, by string, now time.Time) (views.Replay, error)
	Replay(ctx context.Context, number int64) (views.Replay, error)
	Replays(ctx context.Context, limit int) ([]views.Replay, error)

	// SelectWaiting returns what a replay would begin with.
	SelectWaiting(ctx context.Context, s views.ReplaySelection, limit int) ([]ingest.Quarantined, error)
}

// Importer stores the readings of loggers' files.
type Importer interface {
	ImportReadings(ctx context.Context, part views.ReadingsImport) (views.ImportResult, error)
}

// LoggerAlarms is what loggers noted themselves, the latest first, and how much
// there is.
type LoggerAlarms interface {
	LoggerAlarms(ctx context.Context, device devices.ID, limit int) ([]views.LoggerAlarm, int, error)
}

// Replayer knows what the pipeline makes of refused messages now.
type Replayer interface {
	// Work does what replays were requested. It returns at once when another
	// node is at it.
	Work(ctx context.Context) error

	// Judge says what a replay of a message would do.
	Judge(message ingest.Quarantined) ingest.Verdict

	// Preview decodes a message of a device that is not declared.
	Preview(message ingest.Quarantined) ([]devices.Report, error)
}
