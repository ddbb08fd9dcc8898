package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"telltale/devices"
	"telltale/ingest/history"
)

// History is the reading history in PostgreSQL, as the writer needs it: a
// [history.Store]. The queries are methods of [DB].
//
// It remembers the newest time of each device's metric that it has stored, so
// that readings which are newer, nearly all, go by COPY, and only late and
// repeated ones are looked up one by one. Memory: about 60 bytes per metric of
// each device. Safe for concurrent use, one Write at a time.
type History struct {
	db *DB

	mu     sync.Mutex    // held by Write
	fresh  freshReadings // of the last Write: its memory is the next one's
	names  names
	days   map[day]bool             // days that have a partition of readings
	memory map[int]*partitionMemory // by partition of the log
}

// NewHistory returns the history in db. It reads nothing yet.
func NewHistory(db *DB) *History {
	return &History{
		db:     db,
		names:  newNames(),
		days:   make(map[day]bool),
		memory: make(map[int]*partitionMemory),
	}
}

// Position returns how far a partition of the log is stored.
func (h *History) Position(ctx context.Context, partition int) (uint64, error) {
	return h.db.Checkpoint(ctx, history.Consumer, partition)
}

// Write stores the readings of the chunks and the positions in one
// transaction. See [history.Store].
func (h *History) Write(ctx context.Context, chunks []history.Chunk) (history.Written, error) {
	h.mu.Lock()
	defer h.mu.Unlock()

	work, err := h.plan(ctx, chunks)
	if err == nil {
		err = h.db.InTx(ctx, func(tx *DB) error { return work.store(ctx, tx) })
	}
	if err != nil {
		// The commit may have happened although its answer got lost, so what
		// we know of these partitions may be too old now; too old would mean
		// duplicates. It is read from the database again.
		for _, c := range chunks {
			delete(h.memory, c.Partition)
		}
		var fenced *FencedError
		if errors.As(err, &fenced) {
			return history.Written{}, &history.FencedError{Partitions: fenced.Partitions}
		}
		return history.Written{}, fmt.Errorf("write history: %w", err)
	}
	return work.written, nil
}

// plan sorts the chunks' readings into what is new and what must be looked
// up, and makes sure that everything they refer to exists.
func (h *History) plan(ctx context.Context, chunks []history.Chunk) (*historyWork, error) {
	if err := h.names.resolve(ctx, h.db, chunks); err != nil {
		return nil, err
	}
	if err := h.remember(ctx, chunks); err != nil {
		return nil, err
	}
	work := newHistoryWork(&h.fresh)
	for i := range chunks {
		c := &chunks[i]
		work.positions = append(work.positions, Position{Partition: c.Partition, Epoch: c.Epoch, Seq: c.Seq})
		memory := h.memory[c.Partition]
		for j := range c.Reports {
			h.planReport(work, memory, &c.Reports[j])
		}
	}
	return work, h.ensureDays(ctx, work.days)
}

func (h *History) planReport(work *historyWork, memory *partitionMemory, r *devices.Report) {
	device, declared := h.names.devices[r.Device]
	if !declared {
		work.written.Orphans++
		return
	}
	at := r.ObservedAt.UnixMicro()
	today := dayOf(at)
	work.fresh.begin(device, at)
	for i := range r.Readings {
		reading := &r.Readings[i]
		if !finite(reading.Value) {
			work.written.NotFinite++
			continue
		}
		metric := h.names.metric(reading.Metric)
		key := seriesOf(device, metric.num)
		work.days[today] = true
		if at <= memory.newest[key] {
			work.late.add(device, metric.num, at, reading.Value)
			continue
		}
		memory.newest[key] = at
		work.fresh.add(metric.num, reading.Value)
	}
}
