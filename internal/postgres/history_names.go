package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"telltale/devices"
	"telltale/ingest/history"
)

// names knows the short numbers that readings carry instead of names.
type names struct {
	version int64 // of the declarations that devices is from
	devices map[devices.ID]int32
	metrics map[string]*metricName // by the name as reported
}

// metricName is a metric's number, and its name as a JSON string.
type metricName struct {
	num    int32
	quoted []byte
}

func newNames() names {
	return names{devices: make(map[devices.ID]int32), metrics: make(map[string]*metricName)}
}

// metric returns a metric that resolve has made known.
func (n *names) metric(reported string) *metricName { return n.metrics[reported] }

// resolve makes the numbers of everything in the chunks known. Devices that
// are not declared stay unknown; metrics get a number when they are met.
func (n *names) resolve(ctx context.Context, db *DB, chunks []history.Chunk) error {
	if err := n.follow(ctx, db); err != nil {
		return err
	}
	unknownDevices := make(map[string]bool)
	unknownMetrics := make(map[string]bool)
	for i := range chunks {
		for j := range chunks[i].Reports {
			r := &chunks[i].Reports[j]
			if _, known := n.devices[r.Device]; !known {
				unknownDevices[string(r.Device)] = true
			}
			for k := range r.Readings {
				if n.metrics[r.Readings[k].Metric] == nil {
					unknownMetrics[r.Readings[k].Metric] = true
				}
			}
		}
	}
	if err := n.resolveDevices(ctx, db, unknownDevices); err != nil {
		return err
	}
	return n.resolveMetrics(ctx, db, unknownMetrics)
}

// follow forgets the devices when the declarations have changed: a device
// that was deleted and declared again has another number.
func (n *names) follow(ctx context.Context, db *DB) error {
	var version int64
	if err := db.q.QueryRow(ctx, `select version from declarations`).Scan(&version); err != nil {
		return fmt.Errorf("version of the declarations: %w", err)
	}
	if version != n.version {
		n.version = version
		clear(n.devices)
	}
	return nil
}

func (n *names) resolveDevices(ctx context.Context, db *DB, unknown map[string]bool) error {
	if len(unknown) == 0 {
		return nil
	}
	// cleanText, since PostgreSQL would refuse the whole query for a NUL.
	ids := slices.DeleteFunc(slices.Collect(maps.Keys(unknown)), func(id string) bool { return cleanText(id) != id })
	rows, err := db.q.Query(ctx, `select id, num from devices where id = any($1)`, ids)
	if err != nil {
		return fmt.Errorf("numbers of devices: %w", err)
	}
	var id string
	var num int32
	_, err = pgx.ForEachRow(rows, []any{&id, &num}, func() error {
		n.devices[devices.ID(id)] = num
		return nil
	})
	if err != nil {
		return fmt.Errorf("numbers of devices: %w", err)
	}
	return nil
}

func (n *names) resolveMetrics(ctx context.Context, db *DB, unknown map[string]bool) error {
	if len(unknown) == 0 {
		return nil
	}
	reported := make(map[string][]string) // by the name that is stored
	for name := range unknown {
		reported[cleanText(name)] = append(reported[cleanText(name)], name)
	}
	stored := slices.Sorted(maps.Keys(reported)) // sorted, so that nodes cannot deadlock
	if _, err := db.q.Exec(ctx, `
		insert into metrics (name) select name from unnest($1::text[]) name
		where not exists (select from metrics m where m.name = name.name)
		on conflict do nothing`, stored); err != nil {
		return fmt.Errorf("number new metrics: %w", err)
	}
	rows, err := db.q.Query(ctx, `select name, num from metrics where name = any($1)`, stored)
	if err != nil {
		return fmt.Errorf("numbers of metrics: %w", err)
	}
	var name string
	var num int32
	_, err = pgx.ForEachRow(rows, []any{&name, &num}, func() error {
		quoted, err := json.Marshal(name)
		for _, r := range reported[name] {
			n.metrics[r] = &metricName{num: num, quoted: quoted}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("numbers of metrics: %w", err)
	}
	return nil
}

// cleanText returns s as PostgreSQL can store it: valid UTF-8 without NUL.
// One such name from a device must not hold up the history of all others.
func cleanText(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// finite reports whether a value can be drawn and summed up.
func finite(v devices.Value) bool {
	return v.IsLabel() || !math.IsNaN(v.Number) && !math.IsInf(v.Number, 0)
}
