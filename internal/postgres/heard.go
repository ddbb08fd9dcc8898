package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/rules"
)

// Heard returns what devices have sent of some metrics, one entry for those of
// one model and the same values of some tags. It looks at the presence of every
// device: about a second for 100,000.
func (db *DB) Heard(ctx context.Context, metrics, tags []string) ([]rules.Heard, error) {
	rows, err := db.q.Query(ctx, `
		with alike as (
			select d.model, p.last_seen, p.value_times,
			       coalesce((select jsonb_object_agg(t.key, t.value) from jsonb_each_text(d.spec -> 'tags') t where t.key = any($2)), '{}') as tags
			from devices d join device_presence p on p.device_id = d.id
		)
		select model, tags, null as metric, max(last_seen) from alike group by model, tags
		union all
		select model, tags, t.key, to_timestamp(max(t.value::bigint) / 1e6)
		from alike, jsonb_each_text(value_times) t
		where t.key = any($1) group by model, tags, t.key
		order by model, tags, metric nulls first`, metrics, tags)
	if err != nil {
		return nil, fmt.Errorf("read what was heard of metrics: %w", err)
	}
	var heard []rules.Heard
	var model string
	var tag []byte
	var metric *string
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&model, &tag, &metric, &at}, func() error {
		if metric == nil {
			h := rules.Heard{Model: model, SeenAt: at, Metrics: make(map[string]time.Time)}
			heard = append(heard, h)
			return json.Unmarshal(tag, &heard[len(heard)-1].Tags)
		}
		heard[len(heard)-1].Metrics[*metric] = at
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what was heard of metrics: %w", err)
	}
	return heard, nil
}

// RulesSince returns when each rule was first declared, by id.
func (db *DB) RulesSince(ctx context.Context) (map[string]time.Time, error) {
	rows, err := db.q.Query(ctx, `select rule_id, min(created_at) from rule_versions group by rule_id`)
	if err != nil {
		return nil, fmt.Errorf("read since when rules are declared: %w", err)
	}
	since := make(map[string]time.Time)
	var id string
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&id, &at}, func() error {
		since[id] = at
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read since when rules are declared: %w", err)
	}
	return since, nil
}
