package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/internal/declare"
	"telltale/internal/views"
	"telltale/rules"
)

// RuleAt returns a rule as it was at a version, nil when there never was.
func (db *DB) RuleAt(ctx context.Context, id string, version int) (*rules.Rule, error) {
	var spec []byte
	err := db.q.QueryRow(ctx, `select spec from rule_versions where rule_id = $1 and version = $2`, id, version).Scan(&spec)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read version %d of rule %s: %w", version, id, err)
	}
	rule, err := declare.Decode[*rules.Rule](spec)
	if err != nil {
		return nil, err
	}
	rule.Version = version
	return rule, nil
}

// RuleVersions returns the versions of a rule below one, the latest first; all
// when below is 0. A rule that never was has none.
func (db *DB) RuleVersions(ctx context.Context, id string, below, limit int) ([]views.RuleVersion, error) {
	rows, err := db.q.Query(ctx, `
		select version, author, created_at, spec from rule_versions
		where rule_id = $1 and ($2 = 0 or version < $2) order by version desc limit $3`, id, below, limit)
	if err != nil {
		return nil, fmt.Errorf("list versions of rule %s: %w", id, err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (views.RuleVersion, error) {
		var v views.RuleVersion
		var spec []byte
		if err := row.Scan(&v.Version, &v.Author, &v.At, &spec); err != nil {
			return v, err
		}
		var err error
		if v.Rule, err = declare.Decode[*rules.Rule](spec); err != nil {
			return v, err
		}
		v.Rule.Version = v.Version
		return v, nil
	})
	if err != nil {
		return nil, fmt.Errorf("list versions of rule %s: %w", id, err)
	}
	return all, nil
}

// RuleVersion returns one version of a rule, nil when there never was.
func (db *DB) RuleVersion(ctx context.Context, id string, version int) (*views.RuleVersion, error) {
	all, err := db.RuleVersions(ctx, id, version+1, 1)
	if err != nil || len(all) == 0 || all[0].Version != version {
		return nil, err
	}
	return &all[0], nil
}

// week is the length of the spans that noise is counted in.
const week = 7 * 24 * time.Hour

// RuleAlarms counts the alarms of each rule that ever had one, as of now; those
// that late readings withdrew do not count. With a rule's id, only that one is
// counted.
func (db *DB) RuleAlarms(ctx context.Context, rule string, now time.Time) (map[string]views.RuleAlarms, error) {
	counts := map[string]views.RuleAlarms{}
	rows, err := db.q.Query(ctx, `
		select rule_id, count(*) filter (where cleared_at is null), count(*), max(raised_at)
		from alarms where ($1 = '' or rule_id = $1) and withdrawn_at is null group by rule_id`, rule)
	if err != nil {
		return nil, fmt.Errorf("count alarms by rule: %w", err)
	}
	var id string
	var n views.RuleAlarms
	_, err = pgx.ForEachRow(rows, []any{&id, &n.Active, &n.Total, &n.LastRaised}, func() error {
		counts[id] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count alarms by rule: %w", err)
	}
	rows, err = db.q.Query(ctx, `
		select rule_id, floor(extract(epoch from @now - raised_at) / @week)::int, count(*)
		from alarms where (@rule = '' or rule_id = @rule) and raised_at > @since and raised_at <= @now and withdrawn_at is null
		group by 1, 2`,
		pgx.NamedArgs{"rule": rule, "now": now, "since": now.Add(-views.NoiseWeeks * week), "week": week.Seconds()})
	if err != nil {
		return nil, fmt.Errorf("count alarms by week: %w", err)
	}
	var ago int
	var alarms int64
	_, err = pgx.ForEachRow(rows, []any{&id, &ago, &alarms}, func() error {
		n := counts[id]
		n.Weeks[views.NoiseWeeks-1-min(ago, views.NoiseWeeks-1)] += alarms
		counts[id] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count alarms by week: %w", err)
	}
	return counts, nil
}

// loudestDevices is how many devices a rule's noise names.
const loudestDevices = 3

// RuleNoise says what a rule's alarms of the last weeks were like, as of now,
// without those that were withdrawn.
func (db *DB) RuleNoise(ctx context.Context, rule string, now time.Time) (views.RuleNoise, error) {
	var noise views.RuleNoise
	var median float64
	args := pgx.NamedArgs{
		"rule": rule, "now": now, "since": now.Add(-views.NoiseWeeks * week), "fleeting": views.FleetingAlarm.Seconds(), "few": loudestDevices,
	}
	err := db.q.QueryRow(ctx, `
		select count(*), count(*) filter (where extract(epoch from a.cleared_at - a.raised_at) < @fleeting),
		       count(*) filter (where a.acknowledged_at is not null), count(t.alarm_id), count(distinct a.subject_id),
		       coalesce(percentile_disc(0.5) within group (order by extract(epoch from coalesce(a.cleared_at, @now) - a.raised_at)), 0)
		from alarms a left join ticket_alarms t on t.alarm_id = a.id
		where a.rule_id = @rule and a.raised_at > @since and a.raised_at <= @now and a.withdrawn_at is null`, args).
		Scan(&noise.Alarms, &noise.Fleeting, &noise.Acknowledged, &noise.Ticketed, &noise.Devices, &median)
	if err != nil {
		return noise, fmt.Errorf("count noise of rule %s: %w", rule, err)
	}
	noise.Median = time.Duration(median * float64(time.Second))
	rows, err := db.q.Query(ctx, `
		select subject_id, count(*) from alarms
		where rule_id = @rule and raised_at > @since and raised_at <= @now and withdrawn_at is null
		group by subject_id order by count(*) desc, subject_id limit @few`, args)
	if err != nil {
		return noise, fmt.Errorf("count noise of rule %s by device: %w", rule, err)
	}
	noise.Loudest, err = pgx.CollectRows(rows, pgx.RowToStructByPos[views.DeviceNoise])
	if err != nil {
		return noise, fmt.Errorf("count noise of rule %s by device: %w", rule, err)
	}
	return noise, nil
}

// RuleReach counts the devices that a selector chooses, by model.
func (db *DB) RuleReach(ctx context.Context, s rules.Selector) (map[string]int64, error) {
	tags := s.Tags
	if tags == nil {
		tags = map[string]string{}
	}
	wanted, err := json.Marshal(tags)
	if err != nil {
		return nil, fmt.Errorf("count devices by tags: %w", err)
	}
	rows, err := db.q.Query(ctx, `
		select model, count(*) from devices
		where $1::jsonb = '{}' or coalesce(spec -> 'tags', '{}') @> $1::jsonb group by model`, string(wanted))
	if err != nil {
		return nil, fmt.Errorf("count devices by model: %w", err)
	}
	reach := map[string]int64{}
	var model string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&model, &n}, func() error {
		if s.Selects(model, s.Tags) {
			reach[model] = n
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count devices by model: %w", err)
	}
	return reach, nil
}
