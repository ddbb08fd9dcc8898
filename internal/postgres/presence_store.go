package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"

	"telltale/devices"
	"telltale/ingest/history"
)

// Presence keeps what devices said last: when they were heard, their newest
// values, their faults. It is a [history.Store] with a position of its own
// that stores no reading, so that neither keeps the other waiting, and so that
// its batches may be longer: of a device that speaks ten times in a batch one
// row changes once.
//
// It remembers the time of each device's newest values, and what is measured
// of its clock: about 60 bytes per metric, and 150 per device. Safe for concurrent use, one Write at a time.
type Presence struct {
	db *DB

	mu     sync.Mutex // held by Write
	names  names
	newest map[int]*presenceMemory // by partition of the log
}

// presenceMemory is what is known of the newest values and the clocks of a
// partition's devices. It holds for one epoch: under another one another node may have
// written.
type presenceMemory struct {
	epoch  int64
	times  map[devices.ID]map[string]int64 // by metric as stored, in Unix microseconds
	drifts map[devices.ID]*devices.Drift
}

// NewPresence returns the presence in db. It reads nothing yet.
func NewPresence(db *DB) *Presence {
	return &Presence{db: db, names: newNames(), newest: make(map[int]*presenceMemory)}
}

// Position is [history.Store]'s.
func (p *Presence) Position(ctx context.Context, partition int) (uint64, error) {
	return p.db.Checkpoint(ctx, history.PresenceConsumer, partition)
}

// Write keeps what the chunks say of their devices' presence, and the
// positions, in one transaction. See [history.Store]; no reading is stored.
func (p *Presence) Write(ctx context.Context, chunks []history.Chunk) (history.Written, error) {
	p.mu.Lock()
	defer p.mu.Unlock()

	positions := make([]Position, len(chunks))
	for i, c := range chunks {
		positions[i] = Position{Partition: c.Partition, Epoch: c.Epoch, Seq: c.Seq}
	}
	seen, orphans, err := p.sightings(ctx, chunks)
	if err == nil {
		err = p.db.InTx(ctx, func(tx *DB) error {
			if err := tx.AdvanceCheckpoints(ctx, history.PresenceConsumer, positions); err != nil {
				return err
			}
			return seen.save(ctx, tx)
		})
	}
	if err != nil {
		for _, c := range chunks {
			delete(p.newest, c.Partition) // it runs ahead of what is stored
		}
		var fenced *FencedError
		if errors.As(err, &fenced) {
			return history.Written{}, &history.FencedError{Partitions: fenced.Partitions}
		}
		return history.Written{}, fmt.Errorf("write presence: %w", err)
	}
	return history.Written{Orphans: orphans}, nil
}

// sightings gathers what the chunks say of each device that is declared.
func (p *Presence) sightings(ctx context.Context, chunks []history.Chunk) (seen sightings, orphans int64, err error) {
	if err := p.names.resolve(ctx, p.db, chunks); err != nil {
		return seen, 0, err
	}
	if err := p.remember(ctx, chunks); err != nil {
		return seen, 0, err
	}
	seen = newSightings()
	for i := range chunks {
		memory := p.newest[chunks[i].Partition]
		for j := range chunks[i].Reports {
			r := &chunks[i].Reports[j]
			if _, declared := p.names.devices[r.Device]; !declared {
				orphans++
				continue
			}
			p.see(seen.of(r.Device, memory.drifts[r.Device]), memory.times[r.Device], r)
		}
	}
	return seen, orphans, nil
}

// see takes one report in, and of its values those that are newer than all
// before.
func (p *Presence) see(s *sighting, newest map[string]int64, r *devices.Report) {
	s.report(r)
	at := r.ObservedAt.UnixMicro()
	for i := range r.Readings {
		reading := &r.Readings[i]
		stored := cleanText(reading.Metric)
		last, known := newest[stored]
		if !finite(reading.Value) || known && at <= last {
			continue
		}
		newest[stored] = at
		s.value(p.names.metric(reading.Metric), reading.Value, at)
	}
}

// remember makes the newest times and the clocks of all devices in the chunks
// known. Those met for the first time are asked for in one query each.
func (p *Presence) remember(ctx context.Context, chunks []history.Chunk) error {
	cold, coldDrifts := make(map[string]map[string]int64), make(map[devices.ID]*devices.Drift)
	for i := range chunks {
		c := &chunks[i]
		memory := p.newest[c.Partition]
		if memory == nil || memory.epoch != c.Epoch {
			memory = &presenceMemory{epoch: c.Epoch, times: make(map[devices.ID]map[string]int64), drifts: make(map[devices.ID]*devices.Drift)}
			p.newest[c.Partition] = memory
		}
		for j := range c.Reports {
			id := c.Reports[j].Device
			if _, declared := p.names.devices[id]; declared && memory.times[id] == nil {
				memory.times[id] = make(map[string]int64)
				cold[string(id)] = memory.times[id]
				memory.drifts[id] = &devices.Drift{}
				coldDrifts[id] = memory.drifts[id]
			}
		}
	}
	if err := p.db.fillNewest(ctx, cold); err != nil {
		return err
	}
	return p.db.fillDrifts(ctx, coldDrifts)
}

// fillNewest reads when the latest values of devices were observed.
func (db *DB) fillNewest(ctx context.Context, times map[string]map[string]int64) error {
	if len(times) == 0 {
		return nil
	}
	ids := make([]string, 0, len(times))
	for id := range times {
		ids = append(ids, id)
	}
	rows, err := db.q.Query(ctx, `
		select p.device_id, t.key, t.value::bigint
		from device_presence p, jsonb_each_text(p.value_times) t
		where p.device_id = any($1)`, ids)
	if err != nil {
		return fmt.Errorf("times of latest values: %w", err)
	}
	var id, metric string
	var at int64
	_, err = pgx.ForEachRow(rows, []any{&id, &metric, &at}, func() error {
		times[id][metric] = at
		return nil
	})
	if err != nil {
		return fmt.Errorf("times of latest values: %w", err)
	}
	return nil
}
