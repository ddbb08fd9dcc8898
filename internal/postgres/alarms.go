package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/devices"
	"telltale/rules"
	"telltale/tickets"
)

// alarmColumns of alarms a, with the number of the alarm's ticket; scanAlarm
// reads them.
const alarmColumns = `
	a.id, a.rule_id, a.rule_version, a.subject_type, a.subject_id, a.mode, a.severity,
	a.pending_since, a.raised_at, a.cleared_at, a.acknowledged_at, coalesce(a.acknowledged_by, ''),
	a.shelved_until, coalesce(a.shelved_by, ''), coalesce(a.shelve_reason, ''), a.latched,
	a.occurrences, a."values", a.faults, a.explanation, a.trace, a.raise_id,
	a.severity_at, a.chattering, a.shelved_at, a.unshelved_at, a.shelf_reminded, a.withdrawn_at, a.earlier, a.evidence, a.steps,
	(select l.ticket_number from ticket_alarms l where l.alarm_id = a.id)`

// alarmOpen is the condition of the index alarms_one_open.
const alarmOpen = `(a.cleared_at is null or (a.latched and a.acknowledged_at is null and a.withdrawn_at is null))`

// ListAlarms returns the selected alarms, the latest raised first. It wraps
// [tickets.ErrInvalid] when query.After names no alarm.
func (db *DB) ListAlarms(ctx context.Context, query tickets.AlarmQuery) ([]*tickets.Alarm, error) {
	var after tickets.Alarm
	if query.After != "" {
		last, err := db.Alarm(ctx, query.After)
		if errors.Is(err, tickets.ErrNotFound) {
			return nil, badCursor()
		}
		if err != nil {
			return nil, fmt.Errorf("list alarms: %w", err)
		}
		after = *last
	}
	rows, err := db.q.Query(ctx, `
		select `+alarmColumns+` from alarms a
		where (@device = '' or a.subject_type = 'device' and a.subject_id = @device)
		  and (@rule = '' or a.rule_id = @rule)
		  and (@active::boolean is null or (a.cleared_at is null) = @active)
		  and (@shelved::boolean is null
		    or (a.cleared_at is null and a.unshelved_at is null and coalesce(a.shelved_until > @now, false)) = @shelved)
		  and (@after = '' or (a.raised_at, a.id) < (@after_at, @after))
		order by a.raised_at desc, a.id desc
		limit @limit`,
		replanned, pgx.NamedArgs{
			"device": query.Device, "rule": query.Rule, "active": query.Active, "shelved": query.Shelved, "now": query.Now,
			"after": query.After, "after_at": after.RaisedAt, "limit": rowLimit(query.Limit),
		})
	if err != nil {
		return nil, fmt.Errorf("list alarms: %w", err)
	}
	alarms, err := pgx.CollectRows(rows, scanAlarm)
	if err != nil {
		return nil, fmt.Errorf("list alarms: %w", err)
	}
	return alarms, nil
}

// Alarm returns one alarm, or an error that wraps [tickets.ErrNotFound].
func (db *DB) Alarm(ctx context.Context, id string) (*tickets.Alarm, error) {
	return readOne(ctx, db, "alarm "+id, tickets.NoAlarm(id), scanAlarm, `select `+alarmColumns+` from alarms a where a.id = $1`, id)
}

// AlarmsOfTicket returns the alarms of a ticket in the order they were raised.
func (db *DB) AlarmsOfTicket(ctx context.Context, number int64) ([]*tickets.Alarm, error) {
	rows, err := db.q.Query(ctx, `
		select `+alarmColumns+` from alarms a
		where a.id in (select alarm_id from ticket_alarms where ticket_number = $1)
		order by a.raised_at, a.id`, number)
	if err != nil {
		return nil, fmt.Errorf("list alarms of ticket %d: %w", number, err)
	}
	alarms, err := pgx.CollectRows(rows, scanAlarm)
	if err != nil {
		return nil, fmt.Errorf("list alarms of ticket %d: %w", number, err)
	}
	return alarms, nil
}

func scanAlarm(row pgx.CollectableRow) (*tickets.Alarm, error) {
	a := new(tickets.Alarm)
	var mode, severity string
	var cleared, acknowledged, shelved, severityAt, shelvedAt, unshelvedAt, withdrawn *time.Time
	var values, earlier, evidence, steps []byte
	var ticket *int64
	err := row.Scan(&a.ID, &a.Key.Rule, &a.RuleVersion, &a.Key.Subject.Type, &a.Key.Subject.ID, &mode, &severity,
		&a.PendingSince, &a.RaisedAt, &cleared, &acknowledged, &a.AcknowledgedBy,
		&shelved, &a.ShelvedBy, &a.ShelveReason, &a.Latched,
		&a.Occurrences, &values, &a.Faults, &a.Explanation, &a.Trace, &a.RaiseID,
		&severityAt, &a.Chattering, &shelvedAt, &unshelvedAt, &a.ShelfReminded, &withdrawn, &earlier, &evidence, &steps, &ticket)
	if err != nil {
		return nil, err
	}
	a.Mode = rules.Mode(mode)
	if a.Severity, err = rules.ParseSeverity(severity); err != nil {
		return nil, fmt.Errorf("alarm %s: %w", a.ID, err)
	}
	if a.Values, err = decodeValues(values); err != nil {
		return nil, fmt.Errorf("values of alarm %s: %w", a.ID, err)
	}
	if a.Earlier, err = decodeVersions(earlier); err != nil {
		return nil, fmt.Errorf("earlier versions of alarm %s: %w", a.ID, err)
	}
	if err := json.Unmarshal(evidence, &a.Evidence); err != nil {
		return nil, fmt.Errorf("evidence of alarm %s: %w", a.ID, err)
	}
	if err := json.Unmarshal(steps, &a.Steps); err != nil {
		return nil, fmt.Errorf("steps of alarm %s: %w", a.ID, err)
	}
	a.ClearedAt, a.AcknowledgedAt, a.ShelvedUntil = timeOf(cleared), timeOf(acknowledged), timeOf(shelved)
	a.SeverityAt, a.ShelvedAt, a.UnshelvedAt = timeOf(severityAt), timeOf(shelvedAt), timeOf(unshelvedAt)
	a.WithdrawnAt = timeOf(withdrawn)
	if ticket != nil {
		a.TicketID = tickets.FormatID(*ticket)
	}
	return a, nil
}

// decodeValues reads what [tickets.PlainValues] made storable.
func decodeValues(text []byte) (map[string]devices.Value, error) {
	var plain map[string]any
	if err := json.Unmarshal(text, &plain); err != nil {
		return nil, err
	}
	values := make(map[string]devices.Value, len(plain))
	for name, v := range plain {
		switch v := v.(type) {
		case float64:
			values[name] = devices.Number(v)
		case string:
			values[name] = devices.Label(v)
		case nil:
			values[name] = devices.Number(math.NaN())
		default:
			return nil, fmt.Errorf("%s is %T", name, v)
		}
	}
	return values, nil
}

// decodeVersions reads what [tickets.VersionViews] made storable.
func decodeVersions(text []byte) ([]tickets.AlarmVersion, error) {
	var views []tickets.AlarmVersionView
	if err := json.Unmarshal(text, &views); err != nil {
		return nil, err
	}
	var versions []tickets.AlarmVersion
	for _, v := range views {
		severity, err := rules.ParseSeverity(v.Severity)
		if err != nil {
			return nil, err
		}
		versions = append(versions, tickets.AlarmVersion{
			RaiseID: v.RaiseID, Revision: v.Revision, PendingSince: v.PendingSince, RaisedAt: v.RaisedAt,
			ClearedAt: timeOf(v.ClearedAt), Severity: severity, Occurrences: v.Occurrences,
			Evidence:   rules.Evidence{Computed: v.Computed, Outlook: v.TimeToLimit, Held: v.HeldBy},
			ReplacedAt: v.ReplacedAt, Reason: v.Reason, Trace: v.Trace,
		})
	}
	return versions, nil
}

// orNil returns a pointer to v, nil for the zero value.
func orNil[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// timeOf returns the time p points to, the zero time for null.
func timeOf(p *time.Time) time.Time {
	if p == nil {
		return time.Time{}
	}
	return *p
}
