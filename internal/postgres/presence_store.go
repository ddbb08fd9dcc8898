package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/jackc/pgx/v5"

	"telltale/devices"
	"telltale/ingest/history"
)

// Presence keeps what devices said last: when they were heard, their newest
// values, their faults. It is a [history.Digester] with a position of its own
// that stores no reading, so that neither keeps the other waiting: of a device
// that speaks ten times between two flushes one row changes once.
//
// It remembers the time of each device's newest values, and what is measured
// of its clock: about 60 bytes per metric, and 150 per device; and what is to be
// flushed, about 500 bytes per device. Safe for concurrent use, one Write or Flush
// at a time.
type Presence struct {
	db *DB

	mu     sync.Mutex // held by Write and Flush
	names  names
	newest map[int]*presenceMemory // by partition of the log
}

// presenceMemory is what is known of the newest values and the clocks of a
// partition's devices, and what of it is not stored yet. It holds for one epoch:
// under another one another node may have written.
type presenceMemory struct {
	epoch  int64
	times  map[devices.ID]map[string]int64 // by metric as stored, in Unix microseconds
	drifts map[devices.ID]*devices.Drift

	seen  sightings // to be stored
	seq   uint64    // that the position will be
	taken bool      // something was, since the last Flush
}

// NewPresence returns the presence in db. It reads nothing yet.
func NewPresence(db *DB) *Presence {
	return &Presence{db: db, names: newNames(), newest: make(map[int]*presenceMemory)}
}

// Position is [history.Store]'s.
func (p *Presence) Position(ctx context.Context, partition int) (uint64, error) {
	return p.db.Checkpoint(ctx, history.PresenceConsumer, partition)
}

// Write takes in what the chunks say of each device that is declared.
func (p *Presence) Write(ctx context.Context, chunks []history.Chunk) (written history.Written, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range chunks {
		if memory := p.newest[chunks[i].Partition]; memory != nil && chunks[i].Epoch < memory.epoch {
			return written, &history.FencedError{Partitions: []int{chunks[i].Partition}}
		}
	}
	if err = p.names.resolve(ctx, p.db, chunks); err == nil {
		err = p.remember(ctx, chunks)
	}
	if err != nil {
		return written, fmt.Errorf("take in presence: %w", err)
	}
	for i := range chunks {
		memory := p.newest[chunks[i].Partition]
		memory.seq, memory.taken = chunks[i].Seq, true
		for j := range chunks[i].Reports {
			r := &chunks[i].Reports[j]
			if _, declared := p.names.devices[r.Device]; !declared {
				written.Orphans++
				continue
			}
			p.see(memory.seen.of(r.Device, memory.drifts[r.Device]), memory.times[r.Device], r)
		}
	}
	return written, nil
}

// Flush keeps what was taken in, and the positions, in one transaction.
func (p *Presence) Flush(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var positions []Position
	all := newSightings()
	for partition, memory := range p.newest {
		if memory.taken {
			positions = append(positions, Position{Partition: partition, Epoch: memory.epoch, Seq: memory.seq})
			maps.Copy(all.byDevice, memory.seen.byDevice)
		}
	}
	err := p.db.InTx(ctx, func(tx *DB) error {
		if err := tx.AdvanceCheckpoints(ctx, history.PresenceConsumer, positions); err != nil {
			return err
		}
		return all.save(ctx, tx)
	})
	var fenced *FencedError
	if errors.As(err, &fenced) {
		for _, partition := range fenced.Partitions {
			delete(p.newest, partition) // another node's by now
		}
		return &history.FencedError{Partitions: fenced.Partitions}
	}
	if err != nil {
		return fmt.Errorf("write presence: %w", err)
	}
	for _, memory := range p.newest {
		clear(memory.seen.byDevice)
		memory.taken = false
	}
	return nil
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
// known. Those met for the first time are asked for in one query each; after an
// error they are still unknown.
func (p *Presence) remember(ctx context.Context, chunks []history.Chunk) error {
	times, drifts := make(map[string]map[string]int64), make(map[devices.ID]*devices.Drift)
	of := make(map[devices.ID]*presenceMemory)
	for i := range chunks {
		c := &chunks[i]
		memory := p.newest[c.Partition]
		if memory == nil || memory.epoch != c.Epoch {
			memory = &presenceMemory{
				epoch: c.Epoch, times: make(map[devices.ID]map[string]int64), drifts: make(map[devices.ID]*devices.Drift), seen: newSightings(),
			}
			p.newest[c.Partition] = memory
		}
		for j := range c.Reports {
			id := c.Reports[j].Device
			if _, declared := p.names.devices[id]; declared && memory.times[id] == nil && of[id] == nil {
				times[string(id)], drifts[id], of[id] = make(map[string]int64), &devices.Drift{}, memory
			}
		}
	}
	if err := p.db.fillNewest(ctx, times); err != nil {
		return err
	}
	if err := p.db.fillDrifts(ctx, drifts); err != nil {
		return err
	}
	for id, memory := range of {
		memory.times[id], memory.drifts[id] = times[string(id)], drifts[id]
	}
	return nil
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
