package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"telltale/rules"
)

// OpenAlarms returns the alarms whose condition holds, as far as anybody knows
// here, and those that are held back: what a rule engine is compared with after
// a recovery. A latched alarm
// whose condition has ended is not among them; it waits for a person. The
// occurrences are those since the latest raise, as the engine counts.
func (db *DB) OpenAlarms(ctx context.Context) ([]rules.OpenAlarm, error) {
	rows, err := db.q.Query(ctx, `
		select a.raise_id, false, a.rule_id, a.subject_type, a.subject_id, a.mode, a.rule_version, a.raised_at, a.pending_since,
		       a.severity, greatest(a.occurrences - coalesce(m.before, 0), 1), a.chattering,
		       (select coalesce(max((v ->> 'revision')::integer), 0) from jsonb_array_elements(a.earlier) v
		        where v ->> 'raise_id' = a.raise_id)
		from alarms a left join alarm_merges m on m.raise_id = a.raise_id
		where a.cleared_at is null
		union all
		select h.id, true, h.rule_id, h.subject_type, h.subject_id, h.mode, h.rule_version, h.held_since, h.pending_since,
		       h.severity, h.occurrences, false, h.revision
		from held_alarms h where h.ended_at is null
		order by 8, 1`)
	if err != nil {
		return nil, fmt.Errorf("read open alarms: %w", err)
	}
	open, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (rules.OpenAlarm, error) {
		var a rules.OpenAlarm
		var severity string
		err := row.Scan(&a.AlarmID, &a.Held, &a.Key.Rule, &a.Key.Subject.Type, &a.Key.Subject.ID, &a.Mode, &a.RuleVersion,
			&a.RaisedAt, &a.PendingSince, &severity, &a.Occurrences, &a.Chattering, &a.Revision)
		if err != nil {
			return a, err
		}
		a.Severity, err = rules.ParseSeverity(severity)
		return a, err
	})
	if err != nil {
		return nil, fmt.Errorf("read open alarms: %w", err)
	}
	return open, nil
}
