package postgres

import (
	"context"
	"fmt"
	"math"
	"time"

	"telltale/ingest/history"
)

// series is one metric of one device: their numbers in one word.
type series uint64

func seriesOf(device, metric int32) series {
	return series(uint32(device))<<32 | series(uint32(metric))
}

// partitionMemory is what is known of the stored readings of a partition's
// devices. It holds for one epoch: under another one another node may have
// written.
type partitionMemory struct {
	epoch int64

	// newest is a time, in Unix microseconds, that no stored reading of the
	// series is after. What is after it is certainly not stored yet.
	newest map[series]int64
}

// remember makes the newest times of all series in the chunks known. Those
// met for the first time are asked for in one query.
func (h *History) remember(ctx context.Context, chunks []history.Chunk) error {
	cold := coldSeries{earliest: math.MaxInt64}
	for i := range chunks {
		c := &chunks[i]
		memory := h.memory[c.Partition]
		if memory == nil || memory.epoch != c.Epoch {
			memory = &partitionMemory{epoch: c.Epoch, newest: make(map[series]int64)}
			h.memory[c.Partition] = memory
		}
		cold.collect(&h.names, memory, c)
	}
	return cold.fill(ctx, h.db)
}

// coldSeries are series of which nothing is known yet.
type coldSeries struct {
	memories []*partitionMemory
	devices  []int32
	metrics  []int32
	earliest int64 // of the readings they were met with, in Unix microseconds
}

func (s *coldSeries) collect(n *names, memory *partitionMemory, c *history.Chunk) {
	for i := range c.Reports {
		r := &c.Reports[i]
		device, declared := n.devices[r.Device]
		if !declared {
			continue
		}
		for j := range r.Readings {
			metric := n.metric(r.Readings[j].Metric).num
			key := seriesOf(device, metric)
			if _, known := memory.newest[key]; known {
				continue
			}
			memory.newest[key] = math.MaxInt64 // fill replaces it
			s.memories = append(s.memories, memory)
			s.devices = append(s.devices, device)
			s.metrics = append(s.metrics, metric)
			s.earliest = min(s.earliest, r.ObservedAt.UnixMicro())
		}
	}
}

// fill asks for the newest stored time of each series. Only times from the
// earliest on are asked for, which spares the query all older partitions;
// where there is none, nothing is stored at or after the earliest.
//
// The limit keeps the planner from joining by a scan of all readings.
func (s *coldSeries) fill(ctx context.Context, db *DB) error {
	if len(s.devices) == 0 {
		return nil
	}
	rows, err := db.q.Query(ctx, `
		select newest.at
		from unnest($1::integer[], $2::integer[]) with ordinality as s (device, metric, i)
		left join lateral (
			select observed_at as at from readings
			where device_num = s.device and observed_at >= $3 and metrics @> array[s.metric]
			order by observed_at desc limit 1
		) newest on true
		order by s.i`, s.devices, s.metrics, time.UnixMicro(s.earliest))
	if err != nil {
		return fmt.Errorf("newest readings: %w", err)
	}
	defer rows.Close()
	for i := 0; rows.Next(); i++ {
		var at *time.Time
		if err := rows.Scan(&at); err != nil {
			return fmt.Errorf("newest readings: %w", err)
		}
		newest := s.earliest - 1
		if at != nil {
			newest = at.UnixMicro()
		}
		s.memories[i].newest[seriesOf(s.devices[i], s.metrics[i])] = newest
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("newest readings: %w", err)
	}
	return nil
}
