package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/rules"
	"telltale/tickets"
)

const heldColumns = `
	h.id, h.rule_id, h.rule_version, h.subject_type, h.subject_id, h.mode, h.severity, h.pending_since, h.held_since,
	h.ended_at, coalesce(h.alarm_id, ''), h.why, h.occurrences, h."values", h.faults, h.explanation, h.evidence, h.trace,
	h.revision, h.known_at`

// HeldAlarms returns the selected alarms that were held back, the latest first.
// It wraps [tickets.ErrInvalid] when query.After names none.
func (db *DB) HeldAlarms(ctx context.Context, query tickets.HeldQuery) ([]*tickets.HeldAlarm, error) {
	var after tickets.HeldAlarm
	if query.After != "" {
		last, err := db.HeldAlarm(ctx, query.After)
		if errors.Is(err, tickets.ErrNotFound) {
			return nil, badCursor()
		}
		if err != nil {
			return nil, fmt.Errorf("list alarms held back: %w", err)
		}
		after = *last
	}
	rows, err := db.q.Query(ctx, `
		select `+heldColumns+` from held_alarms h
		where (@device = '' or h.subject_type = 'device' and h.subject_id = @device)
		  and (@rule = '' or h.rule_id = @rule)
		  and (@active::boolean is null or (h.ended_at is null) = @active)
		  and (@after = '' or (h.held_since, h.id) < (@after_at, @after))
		order by h.held_since desc, h.id desc
		limit @limit`,
		replanned, pgx.NamedArgs{
			"device": query.Device, "rule": query.Rule, "active": query.Active,
			"after": query.After, "after_at": after.HeldSince, "limit": rowLimit(query.Limit),
		})
	if err != nil {
		return nil, fmt.Errorf("list alarms held back: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanHeldAlarm)
	if err != nil {
		return nil, fmt.Errorf("list alarms held back: %w", err)
	}
	return all, nil
}

// HeldAlarm returns one alarm that was held back, or an error that wraps
// [tickets.ErrNotFound].
func (db *DB) HeldAlarm(ctx context.Context, id string) (*tickets.HeldAlarm, error) {
	return readOne(ctx, db, "held alarm "+id, tickets.NoHeldAlarm(id), scanHeldAlarm,
		`select `+heldColumns+` from held_alarms h where h.id = $1`, id)
}

func scanHeldAlarm(row pgx.CollectableRow) (*tickets.HeldAlarm, error) {
	h := new(tickets.HeldAlarm)
	var severity string
	var ended *time.Time
	var values, evidence []byte
	err := row.Scan(&h.ID, &h.Key.Rule, &h.RuleVersion, &h.Key.Subject.Type, &h.Key.Subject.ID, &h.Mode, &severity,
		&h.PendingSince, &h.HeldSince, &ended, &h.AlarmID, &h.Why, &h.Occurrences, &values, &h.Faults, &h.Explanation,
		&evidence, &h.Trace, &h.Revision, &h.KnownAt)
	if err != nil {
		return nil, err
	}
	h.EndedAt = timeOf(ended)
	if h.Severity, err = rules.ParseSeverity(severity); err != nil {
		return nil, fmt.Errorf("held alarm %s: %w", h.ID, err)
	}
	if h.Values, err = decodeValues(values); err != nil {
		return nil, fmt.Errorf("values of held alarm %s: %w", h.ID, err)
	}
	if err := json.Unmarshal(evidence, &h.Evidence); err != nil {
		return nil, fmt.Errorf("evidence of held alarm %s: %w", h.ID, err)
	}
	return h, nil
}

// PruneHeldAlarms forgets what was held back no longer before a time, and
// returns how many rows that were.
func (db *DB) PruneHeldAlarms(ctx context.Context, before time.Time) (int64, error) {
	tag, err := db.q.Exec(ctx, `delete from held_alarms where ended_at < $1`, before)
	if err != nil {
		return 0, fmt.Errorf("forget alarms held back: %w", err)
	}
	return tag.RowsAffected(), nil
}

func queueHeld(batch *pgx.Batch, records *tickets.Records, ids []string) {
	if len(ids) == 0 {
		return
	}
	batch.Queue(`select `+heldColumns+` from held_alarms h where h.id = any($1) order by h.id for update`, ids).
		Query(func(rows pgx.Rows) (err error) {
			records.Held, err = pgx.CollectRows(rows, scanHeldAlarm)
			return err
		})
}

type heldRow struct {
	decisionRow

	HeldSince time.Time  `json:"held_since"`
	EndedAt   *time.Time `json:"ended_at"`
	AlarmID   *string    `json:"alarm_id"`
	Why       string     `json:"why"`
	Revision  int        `json:"revision"`
	KnownAt   time.Time  `json:"known_at"`
}

// queueHeldAlarms writes what was held back, new or changed.
func queueHeldAlarms(batch *pgx.Batch, all []*tickets.HeldAlarm) {
	if len(all) == 0 {
		return
	}
	rows := make([]heldRow, len(all))
	for i, h := range all {
		rows[i] = heldRow{
			decisionRow: decisionRow{
				ID: h.ID, RuleID: h.Key.Rule, RuleVersion: h.RuleVersion,
				SubjectType: h.Key.Subject.Type, SubjectID: h.Key.Subject.ID,
				Mode: string(h.Mode), Severity: h.Severity.String(), PendingSince: h.PendingSince,
				Occurrences: h.Occurrences, Values: tickets.PlainValues(h.Values), Faults: orNone(h.Faults),
				Explanation: orNone(h.Explanation), Evidence: h.Evidence, Trace: h.Trace,
			},
			HeldSince: h.HeldSince, EndedAt: orNil(h.EndedAt), AlarmID: orNil(h.AlarmID), Why: h.Why,
			Revision: h.Revision, KnownAt: h.KnownAt,
		}
	}
	batch.Queue(`
		insert into held_alarms (id, rule_id, rule_version, subject_type, subject_id, mode, severity, pending_since, held_since,
		  ended_at, alarm_id, why, occurrences, "values", faults, explanation, evidence, trace, revision, known_at)
		select id, rule_id, rule_version, subject_type, subject_id, mode, severity, pending_since, held_since,
		  ended_at, alarm_id, why, occurrences, "values", faults, explanation, evidence, trace, revision, known_at
		from jsonb_to_recordset($1) as r (id text, rule_id text, rule_version integer, subject_type text, subject_id text,
		  mode text, severity text, pending_since timestamptz, held_since timestamptz, ended_at timestamptz, alarm_id text,
		  why text, occurrences bigint, "values" jsonb, faults text[], explanation text[], evidence jsonb, trace text,
		  revision integer, known_at timestamptz)
		on conflict (id) do update
		set ended_at = excluded.ended_at, alarm_id = excluded.alarm_id, why = excluded.why, occurrences = excluded.occurrences,
		    explanation = excluded.explanation, evidence = excluded.evidence, revision = excluded.revision`, records(rows))
}
