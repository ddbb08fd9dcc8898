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

// TestInfluxDB runs what needs no server of its own: one computes for a second
// before it answers.
func TestInfluxDB(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		opts     influxtest.Options
		language string
	}{
		{"with Flux", influxtest.Options{}, "Flux"},
		{"without Flux", influxtest.Options{NoFlux: true}, "InfluxQL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := influxtest.Start(t, c.opts)
			t.Run("is a history", func(t *testing.T) { exercise(t, server, c.language) })
			for _, part := range []struct {
				name string
				run  func(*testing.T, *influxtest.Server)
			}{
				{"a field that somebody else gave another type is refused by itself", conflictsAreRefused},
				{"of many readings exactly the bad ones are refused", exactlyTheBadAreRefused},
				{"readings beyond the retention are refused", beyondRetentionIsRefused},
				{"a fence is found after writing", fenceIsFound},
				{"whether readings would be taken is asked without writing", readinessLeavesNoTrace},
				{"a walk that its caller ends says why", walkEndsWithItsCaller},
			} {
				t.Run(part.name, func(t *testing.T) {
					t.Parallel()
					part.run(t, server)
				})
			}
		})
	}
}

func exercise(t *testing.T, server *influxtest.Server, language string) {
	t.Helper()
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
