package influx_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"telltale/ingest/history"
	"telltale/ingest/history/historytest"
	"telltale/ingest/history/influx"
	"telltale/ingest/history/influxtest"
)

func TestHistoryInInfluxDBWithFlux(t *testing.T) {
	t.Parallel()
	exercise(t, influxtest.Start(t, influxtest.Options{}), "Flux")
}

func TestHistoryInInfluxDBWithoutFlux(t *testing.T) {
	t.Parallel()
	exercise(t, influxtest.Start(t, influxtest.Options{NoFlux: true}), "InfluxQL")
}

func exercise(t *testing.T, server *influxtest.Server, language string) {
	historytest.Exercise(t, func(t *testing.T) historytest.Subject {
		l := &ledger{}
		store := open(t, server, influx.Options{Bucket: server.Database()}, l)
		t.Cleanup(func() {
			if got := store.Language(); got != language {
				t.Errorf("asked in %s, want %s", got, language)
			}
		})
		return historytest.Subject{Store: store, Reader: store, Acquire: l.acquire}
	})
}

// open returns a store on a server.
func open(t testing.TB, server *influxtest.Server, opts influx.Options, l influx.Ledger) *influx.Store {
	t.Helper()
	opts.URL = server.URL
	store, err := influx.New(opts, l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return store
}

// ledger is a [influx.Ledger] in memory.
type ledger struct {
	mu        sync.Mutex
	epoch     int64
	positions map[int]uint64
	refused   []history.Refused
}

func (l *ledger) acquire() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.epoch++
	return l.epoch
}

func (l *ledger) Position(_ context.Context, partition int) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.positions[partition], nil
}

func (l *ledger) Advance(_ context.Context, chunks []history.Chunk, refused []history.Refused) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range chunks {
		if c.Epoch != l.epoch {
			return fmt.Errorf("advance: %w", &history.FencedError{Partitions: []int{c.Partition}})
		}
	}
	if l.positions == nil {
		l.positions = make(map[int]uint64)
	}
	for _, c := range chunks {
		l.positions[c.Partition] = c.Seq
	}
	l.refused = append(l.refused, refused...)
	return nil
}
