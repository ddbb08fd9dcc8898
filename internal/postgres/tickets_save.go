package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"telltale/rules"
	"telltale/tickets"
)

// placeTaken reports whether err says that another transaction has meanwhile
// taken a place that only one row can have. Whoever wanted it decides again,
// and then finds the row that is there.
func placeTaken(err *pgconn.PgError) bool {
	if err.Code != "23505" { // unique_violation
		return false
	}
	return slices.Contains([]string{
		"alarms_pkey", "alarms_one_open", "alarm_merges_pkey", "tickets_one_unsolved",
		"ticket_alarms_pkey", "ticket_alarms_alarm_id_idx",
	}, err.ConstraintName)
}

// Save writes what the desk decided, all at once, with whatever comes next.
// Rows travel as JSON records: one parameter for many rows, lists inside of
// rows included.
func (db *DB) Save(ctx context.Context, changes *tickets.Changes) error {
	batch := new(pgx.Batch)
	queuePlans(batch, byIndex)
	queueChangedAlarms(batch, changes.ChangedAlarms)
	queueChangedTickets(batch, changes.ChangedTickets)
	queuePlans(batch, byCost)
	queueNewAlarms(batch, inOneOrder(changes.NewAlarms))
	queueNewTickets(batch, changes.NewTickets)
	queueLinks(batch, changes.NewAlarms)
	queueNewMerges(batch, changes.Merges)
	queueHeldAlarms(batch, changes.Held)
	queueEntries(batch, changes.Entries)
	db.queueEvents(batch, changes.Events)
	if err := db.write(ctx, batch); err != nil {
		return fmt.Errorf("write alarms and tickets: %w", err)
	}
	return nil
}

// inOneOrder returns alarms sorted by what they are about. A second alarm about
// the same waits in the index for the first one's transaction, and two
// transactions that insert in one order cannot wait in a circle.
func inOneOrder(alarms []*tickets.Alarm) []*tickets.Alarm {
	return slices.SortedStableFunc(slices.Values(alarms), func(a, b *tickets.Alarm) int {
		return cmp.Or(cmp.Compare(a.Key.Rule, b.Key.Rule), cmp.Compare(a.Key.Subject.ID, b.Key.Subject.ID))
	})
}

// records encodes rows for jsonb_to_recordset.
func records[T any](rows []T) string {
	text, err := json.Marshal(rows)
	if err != nil { // the rows hold texts, times and finite numbers only
		panic(fmt.Sprintf("postgres: encode rows: %v", err))
	}
	return string(text)
}

// decisionRow holds the columns of what a rule has decided, raised or held back.
type decisionRow struct {
	ID           string         `json:"id"`
	RuleID       string         `json:"rule_id"`
	RuleVersion  int            `json:"rule_version"`
	SubjectType  string         `json:"subject_type"`
	SubjectID    string         `json:"subject_id"`
	Mode         string         `json:"mode"`
	Severity     string         `json:"severity"`
	PendingSince time.Time      `json:"pending_since"`
	Occurrences  int64          `json:"occurrences"`
	Values       map[string]any `json:"values"`
	Faults       []string       `json:"faults"`
	Explanation  []string       `json:"explanation"`
	Evidence     rules.Evidence `json:"evidence"`
	Trace        string         `json:"trace"`
}

type alarmRow struct {
	decisionRow

	RaisedAt       time.Time  `json:"raised_at"`
	ClearedAt      *time.Time `json:"cleared_at"`
	AcknowledgedAt *time.Time `json:"acknowledged_at"`
	AcknowledgedBy *string    `json:"acknowledged_by"`
	ShelvedUntil   *time.Time `json:"shelved_until"`
	ShelvedBy      *string    `json:"shelved_by"`
	ShelveReason   *string    `json:"shelve_reason"`
	Latched        bool       `json:"latched"`
	RaiseID        string     `json:"raise_id"`
	SeverityAt     *time.Time `json:"severity_at"`
	Chattering     bool       `json:"chattering"`
	ShelvedAt      *time.Time `json:"shelved_at"`
	UnshelvedAt    *time.Time `json:"unshelved_at"`
	ShelfReminded  bool       `json:"shelf_reminded"`
	WithdrawnAt    *time.Time `json:"withdrawn_at"`

	Earlier []tickets.AlarmVersionView `json:"earlier"`
	Steps   []tickets.SeverityStep     `json:"steps"`
}

func alarmRows(alarms []*tickets.Alarm) []alarmRow {
	rows := make([]alarmRow, len(alarms))
	for i, a := range alarms {
		rows[i] = alarmRow{
			decisionRow: decisionRow{
				ID: a.ID, RuleID: a.Key.Rule, RuleVersion: a.RuleVersion,
				SubjectType: a.Key.Subject.Type, SubjectID: a.Key.Subject.ID,
				Mode: string(a.Mode), Severity: a.Severity.String(), PendingSince: a.PendingSince,
				Occurrences: a.Occurrences, Values: tickets.PlainValues(a.Values), Faults: orNone(a.Faults),
				Explanation: orNone(a.Explanation), Evidence: a.Evidence, Trace: a.Trace,
			},
			RaisedAt: a.RaisedAt, ClearedAt: orNil(a.ClearedAt),
			AcknowledgedAt: orNil(a.AcknowledgedAt), AcknowledgedBy: orNil(a.AcknowledgedBy),
			ShelvedUntil: orNil(a.ShelvedUntil), ShelvedBy: orNil(a.ShelvedBy), ShelveReason: orNil(a.ShelveReason),
			Latched: a.Latched, RaiseID: a.RaiseID, SeverityAt: orNil(a.SeverityAt), Chattering: a.Chattering,
			ShelvedAt: orNil(a.ShelvedAt), UnshelvedAt: orNil(a.UnshelvedAt), ShelfReminded: a.ShelfReminded,
			WithdrawnAt: orNil(a.WithdrawnAt), Earlier: orNone(tickets.VersionViews(a.Earlier)),
			Steps: orNone(a.Steps),
		}
	}
	return rows
}

func queueNewAlarms(batch *pgx.Batch, alarms []*tickets.Alarm) {
	if len(alarms) == 0 {
		return
	}
	batch.Queue(`
		insert into alarms (id, rule_id, rule_version, subject_type, subject_id, mode, severity,
		  pending_since, raised_at, cleared_at, acknowledged_at, acknowledged_by,
		  shelved_until, shelved_by, shelve_reason, latched, occurrences, "values", faults, explanation, trace, raise_id,
		  severity_at, chattering, shelved_at, unshelved_at, shelf_reminded, withdrawn_at, earlier, evidence, steps)
		select id, rule_id, rule_version, subject_type, subject_id, mode, severity,
		  pending_since, raised_at, cleared_at, acknowledged_at, acknowledged_by,
		  shelved_until, shelved_by, shelve_reason, latched, occurrences, "values", faults, explanation, trace, raise_id,
		  severity_at, chattering, shelved_at, unshelved_at, shelf_reminded, withdrawn_at, earlier, evidence, steps
		from jsonb_to_recordset($1) as r (id text, rule_id text, rule_version integer, subject_type text,
		  subject_id text, mode text, severity text, pending_since timestamptz, raised_at timestamptz,
		  cleared_at timestamptz, acknowledged_at timestamptz, acknowledged_by text, shelved_until timestamptz,
		  shelved_by text, shelve_reason text, latched boolean, occurrences bigint, "values" jsonb,
		  faults text[], explanation text[], trace text, raise_id text,
		  severity_at timestamptz, chattering boolean, shelved_at timestamptz, unshelved_at timestamptz,
		  shelf_reminded boolean, withdrawn_at timestamptz, earlier jsonb, evidence jsonb, steps jsonb)`, records(alarmRows(alarms)))
}

// queueChangedAlarms writes the alarms that have ended first: what ends makes
// room for what, by an amendment, holds again.
func queueChangedAlarms(batch *pgx.Batch, alarms []*tickets.Alarm) {
	var ended, open []*tickets.Alarm
	for _, a := range alarms {
		if a.Open() {
			open = append(open, a)
		} else {
			ended = append(ended, a)
		}
	}
	queueAlarmUpdate(batch, ended)
	queueAlarmUpdate(batch, open)
}

func queueAlarmUpdate(batch *pgx.Batch, alarms []*tickets.Alarm) {
	if len(alarms) == 0 {
		return
	}
	batch.Queue(`
		update alarms a set severity = r.severity, pending_since = r.pending_since, raised_at = r.raised_at,
		  cleared_at = r.cleared_at, withdrawn_at = r.withdrawn_at, earlier = r.earlier,
		  "values" = r."values", faults = r.faults,
		  acknowledged_at = r.acknowledged_at, acknowledged_by = r.acknowledged_by,
		  shelved_until = r.shelved_until, shelved_by = r.shelved_by, shelve_reason = r.shelve_reason,
		  occurrences = r.occurrences, explanation = r.explanation, raise_id = r.raise_id,
		  latched = r.latched, severity_at = r.severity_at, chattering = r.chattering,
		  shelved_at = r.shelved_at, unshelved_at = r.unshelved_at, shelf_reminded = r.shelf_reminded, evidence = r.evidence, steps = r.steps
		from jsonb_to_recordset($1) as r (id text, severity text, pending_since timestamptz, raised_at timestamptz,
		  cleared_at timestamptz, withdrawn_at timestamptz, earlier jsonb, evidence jsonb, steps jsonb, "values" jsonb, faults text[],
		  acknowledged_at timestamptz, acknowledged_by text, shelved_until timestamptz, shelved_by text,
		  shelve_reason text, occurrences bigint, explanation text[], raise_id text,
		  latched boolean, severity_at timestamptz, chattering boolean, shelved_at timestamptz,
		  unshelved_at timestamptz, shelf_reminded boolean)
		where a.id = r.id`, records(alarmRows(alarms)))
}

// queueLinks writes which alarm belongs to which ticket; that is known from
// the alarm's beginning and never changes.
func queueLinks(batch *pgx.Batch, alarms []*tickets.Alarm) {
	var numbers []int64
	var ids []string
	for _, a := range alarms {
		if number, ok := tickets.ParseID(a.TicketID); ok {
			numbers, ids = append(numbers, number), append(ids, a.ID)
		}
	}
	if len(ids) == 0 {
		return
	}
	batch.Queue(`insert into ticket_alarms (ticket_number, alarm_id) select * from unnest($1::bigint[], $2::text[])`,
		numbers, ids)
}

func queueNewMerges(batch *pgx.Batch, merges []tickets.Merge) {
	for _, m := range merges {
		batch.Queue(`insert into alarm_merges (raise_id, alarm_id, before) values ($1, $2, $3)`,
			m.RaiseID, m.AlarmID, m.Before)
	}
}

type ticketRow struct {
	Number       int64             `json:"number"`
	Status       tickets.Status    `json:"status"`
	Priority     tickets.Priority  `json:"priority"`
	PriorityBy   string            `json:"priority_by"`
	Subject      string            `json:"subject"`
	CustomerID   *string           `json:"customer_id"`
	ContactID    *string           `json:"contact_id"`
	DeviceID     *string           `json:"device_id"`
	RuleID       *string           `json:"rule_id"`
	DedupKey     string            `json:"dedup_key"`
	Team         string            `json:"team"`
	Assignee     string            `json:"assignee"`
	ArticleID    string            `json:"article_id"`
	Occurrences  int64             `json:"occurrences"`
	ObservedAt   time.Time         `json:"observed_at"`
	OpenedAt     time.Time         `json:"opened_at"`
	UpdatedAt    time.Time         `json:"updated_at"`
	SolvedAt     *time.Time        `json:"solved_at"`
	ClosedAt     *time.Time        `json:"closed_at"`
	ExternalRefs map[string]string `json:"external_refs"`
}

func ticketRows(list []*tickets.Ticket) []ticketRow {
	rows := make([]ticketRow, len(list))
	for i, t := range list {
		rows[i] = ticketRow{
			Number: t.Number, Status: t.Status, Priority: t.Priority, PriorityBy: t.PriorityBy, Subject: t.Subject,
			CustomerID: orNil(t.CustomerID), ContactID: orNil(t.ContactID),
			DeviceID: orNil(t.DeviceID), RuleID: orNil(t.RuleID), DedupKey: t.DedupKey,
			Team: t.Team, Assignee: t.Assignee, ArticleID: t.ArticleID, Occurrences: t.Occurrences,
			ObservedAt: t.ObservedAt, OpenedAt: t.OpenedAt, UpdatedAt: t.UpdatedAt,
			SolvedAt: orNil(t.SolvedAt), ClosedAt: orNil(t.ClosedAt), ExternalRefs: t.ExternalRefs,
		}
		if rows[i].ExternalRefs == nil {
			rows[i].ExternalRefs = map[string]string{}
		}
	}
	return rows
}

func queueNewTickets(batch *pgx.Batch, list []*tickets.Ticket) {
	if len(list) == 0 {
		return
	}
	batch.Queue(`
		insert into tickets (number, status, priority, priority_by, subject, customer_id, contact_id, device_id, rule_id,
		  dedup_key, team, assignee, article_id, occurrences, observed_at, opened_at, updated_at,
		  solved_at, closed_at, external_refs)
		overriding system value
		select number, status, priority, priority_by, subject, customer_id, contact_id, device_id, rule_id,
		  dedup_key, team, assignee, article_id, occurrences, observed_at, opened_at, updated_at,
		  solved_at, closed_at, external_refs
		from jsonb_to_recordset($1) as r (number bigint, status text, priority text, priority_by text, subject text,
		  customer_id text, contact_id text, device_id text, rule_id text, dedup_key text, team text,
		  assignee text, article_id text, occurrences bigint, observed_at timestamptz, opened_at timestamptz,
		  updated_at timestamptz, solved_at timestamptz, closed_at timestamptz, external_refs jsonb)`,
		records(ticketRows(list)))
}

func queueChangedTickets(batch *pgx.Batch, list []*tickets.Ticket) {
	if len(list) == 0 {
		return
	}
	batch.Queue(`
		update tickets t set status = r.status, priority = r.priority, priority_by = r.priority_by, team = r.team, assignee = r.assignee,
		  occurrences = r.occurrences, updated_at = r.updated_at, solved_at = r.solved_at, closed_at = r.closed_at,
		  external_refs = r.external_refs
		from jsonb_to_recordset($1) as r (number bigint, status text, priority text, priority_by text, team text, assignee text,
		  occurrences bigint, updated_at timestamptz, solved_at timestamptz, closed_at timestamptz, external_refs jsonb)
		where t.number = r.number`, records(ticketRows(list)))
}

func queueEntries(batch *pgx.Batch, entries []tickets.TicketEntry) {
	if len(entries) == 0 {
		return
	}
	n := len(entries)
	numbers, at := make([]int64, n), make([]time.Time, n)
	actors, kinds, texts, traces := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	public := make([]bool, n)
	for i, e := range entries {
		numbers[i], at[i], public[i] = e.Ticket, e.At, e.Public
		actors[i], kinds[i], texts[i], traces[i] = e.Actor, e.Kind, e.Text, e.Trace
	}
	batch.Queue(`
		insert into ticket_timeline (ticket_number, at, actor, kind, body, public, trace)
		select number, at, actor, kind, body, public, trace
		from unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::text[])
		  with ordinality as r (number, at, actor, kind, body, public, trace, n)
		order by n`, numbers, at, actors, kinds, texts, public, traces)
}
