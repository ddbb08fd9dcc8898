package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/internal/views"
	"telltale/rules"
)

// SaveRuleHealth keeps how rules fare in a partition; those that are well
// again are forgotten. Like the checkpoint it belongs into a transaction that
// [DB.AdvanceCheckpoint] fences.
func (db *DB) SaveRuleHealth(ctx context.Context, partition int, all []rules.Health) error {
	if len(all) == 0 {
		return nil
	}
	batch := new(pgx.Batch)
	for _, h := range all {
		if h.State == rules.Healthy {
			batch.Queue(`delete from rule_health where rule_id = $1 and partition = $2`, h.Rule, partition)
			continue
		}
		batch.Queue(`
			insert into rule_health (rule_id, partition, rule_version, state, reason, since, failed_at, device_id, failures)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			on conflict (rule_id, partition) do update
			set rule_version = excluded.rule_version, state = excluded.state, reason = excluded.reason, since = excluded.since,
			    failed_at = excluded.failed_at, device_id = excluded.device_id, failures = excluded.failures`,
			h.Rule, partition, h.Version, string(h.State), storableText(h.Reason), h.Since, h.At, string(h.Device), h.Count)
	}
	if err := db.write(ctx, batch); err != nil {
		return fmt.Errorf("save health of rules: %w", err)
	}
	return nil
}

// PartitionHealth returns the rules that are not well in a partition, by id.
func (db *DB) PartitionHealth(ctx context.Context, partition int) ([]rules.Health, error) {
	rows, err := db.q.Query(ctx, `
		select rule_id, rule_version, state, reason, since, failed_at, device_id, failures
		from rule_health where partition = $1 order by rule_id`, partition)
	if err != nil {
		return nil, fmt.Errorf("read health of rules: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[rules.Health])
	if err != nil {
		return nil, fmt.Errorf("read health of rules: %w", err)
	}
	return all, nil
}

// RuleHealth returns how those rules fare that are not well, by id: the worst
// state of all partitions, with the last reason for it. What is known of an
// older version does not count.
func (db *DB) RuleHealth(ctx context.Context) (map[string]views.RuleHealth, error) {
	rows, err := db.q.Query(ctx, `
		select distinct on (h.rule_id) h.rule_id, h.state, h.reason, h.device_id,
		       min(h.since) over same, (sum(h.failures) over same)::bigint
		from rule_health h join rules r on r.id = h.rule_id and r.version = h.rule_version and r.mode <> 'off'
		window same as (partition by h.rule_id, h.state)
		order by h.rule_id, h.state = 'error' desc, h.failed_at desc, h.partition`)
	if err != nil {
		return nil, fmt.Errorf("read health of rules: %w", err)
	}
	all := map[string]views.RuleHealth{}
	var id string
	var h views.RuleHealth
	var since time.Time
	_, err = pgx.ForEachRow(rows, []any{&id, &h.State, &h.Reason, &h.Device, &since, &h.Count}, func() error {
		at := since
		h.Since = &at
		all[id] = h
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read health of rules: %w", err)
	}
	return all, nil
}
