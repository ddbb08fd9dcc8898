package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/devices"
	"telltale/internal/views"
	"telltale/rules"
	"telltale/rules/backtest"
)

// RecordedAlarms returns the alarms of a rule in a mode that stood at some time
// in [from, to), in the order they were raised, as backtests speak of alarms,
// and how many tickets those that were raised in it have. Of more than limit,
// the latest are returned.
func (db *DB) RecordedAlarms(ctx context.Context, rule string, mode rules.Mode, from, to time.Time, limit int) (views.Recorded, error) {
	rows, err := db.q.Query(ctx, `
		select a.rule_id, a.rule_version, a.subject_id, a.severity, a.pending_since, a.raised_at, a.cleared_at, a.occurrences,
		       l.ticket_number
		from alarms a left join ticket_alarms l on l.alarm_id = a.id
		where a.rule_id = @rule and a.mode = @mode and a.subject_type = 'device'
		  and a.raised_at < @to and (a.cleared_at is null or a.cleared_at >= @from)
		order by a.raised_at desc, a.id desc limit @limit`,
		pgx.NamedArgs{"rule": rule, "mode": string(mode), "from": from, "to": to, "limit": limit + 1})
	if err != nil {
		return views.Recorded{}, fmt.Errorf("alarms that rule %s recorded: %w", rule, err)
	}
	type recorded struct {
		backtest.Alarm
		ticket *int64
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (recorded, error) {
		var a recorded
		var device string
		err := row.Scan(&a.RuleID, &a.RuleVersion, &device, &a.Severity, &a.PendingSince, &a.RaisedAt, &a.ClearedAt, &a.Occurrences, &a.ticket)
		a.Device = devices.ID(device)
		return a, err
	})
	if err != nil {
		return views.Recorded{}, fmt.Errorf("alarms that rule %s recorded: %w", rule, err)
	}
	var out views.Recorded
	if len(all) > limit {
		all, out.More = all[:limit], true
	}
	tickets := make(map[int64]bool)
	out.Alarms = make([]backtest.Alarm, len(all))
	for i := range all {
		out.Alarms[len(all)-1-i] = all[i].Alarm
		if t := all[i].ticket; t != nil && !all[i].RaisedAt.Before(from) {
			tickets[*t] = true
		}
	}
	out.Tickets = len(tickets)
	return out, nil
}

// RuleInMode says since when a rule has been in the mode it is in, and since
// when in its present version. Both are zero for a rule that does not exist.
func (db *DB) RuleInMode(ctx context.Context, rule string) (mode, version time.Time, err error) {
	var since, changed *time.Time
	err = db.q.QueryRow(ctx, `
		with versions as (
			select version, created_at, coalesce(spec ->> 'mode', 'live') as mode from rule_versions where rule_id = $1
		), present as (
			select * from versions order by version desc limit 1
		)
		select (select min(v.created_at) from versions v, present p
		        where v.version > coalesce((select max(o.version) from versions o where o.mode <> p.mode), 0)),
		       (select created_at from present)`, rule).Scan(&since, &changed)
	if err != nil {
		return mode, version, fmt.Errorf("versions of rule %s: %w", rule, err)
	}
	return orZero(since), orZero(changed), nil
}
