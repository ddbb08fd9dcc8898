package postgres_test

import (
	"context"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/internal/postgres"
)

// The history writer under load, while the database is killed again and again.
func TestHistoryIsWholeAfterTheDatabaseWasKilledUnderLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cluster := startCluster(t, outlivesKills(dir))
	if err := postgres.Migrate(t.Context(), cluster.URL()); err != nil {
		t.Fatal(err)
	}
	db, err := postgres.Open(t.Context(), cluster.URL(), postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	const partitions, kills, minutesPerKill = 3, 3, 400
	sql(t, cluster, `insert into models (id, spec) values ('M', '{}');
		insert into devices (id, model, spec) select 'd-' || i, 'M', '{}' from generate_series(0, 2) i`)

	log := &endlessLog{step: time.Millisecond}
	writer, err := history.NewWriter(postgres.NewHistory(db), log, db, history.Options{
		Node: "node", Partitions: partitions, MaxReadings: 50, MaxWait: 5 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := writer.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(running.Wait)
	t.Cleanup(stop)

	for kill := range kills {
		awaitPositions(t, db, partitions, uint64((kill+1)*minutesPerKill))
		pid := postmaster(t, dir)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		awaitServer(t, cluster, pid)
	}
	awaitPositions(t, db, partitions, (kills+1)*minutesPerKill)
	stop()
	running.Wait()

	for p := range partitions {
		stored, err := db.Checkpoint(t.Context(), history.Consumer, p)
		if err != nil {
			t.Fatal(err)
		}
		want := make([]history.Point, stored)
		for i := range want {
			want[i] = point(i+1, float64(i+1))
		}
		got, err := db.RawPoints(t.Context(), deviceOf(p), "temperature", noon, noon.AddDate(1, 0, 0))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("partition %d, stored up to %d (-want +got):\n%s", p, stored, diff)
		}
	}
}

func deviceOf(partition int) devices.ID {
	return []devices.ID{"d-0", "d-1", "d-2"}[partition]
}

// awaitPositions waits until every partition is stored up to seq.
func awaitPositions(t *testing.T, db *postgres.DB, partitions int, seq uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		reached := 0
		positions, _ := db.Checkpoints(ctx, history.Consumer) // an error: it was just killed
		for _, p := range positions {
			if p >= seq {
				reached++
			}
		}
		if reached == partitions {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatalf("history does not get to %d", seq)
}

// endlessLog holds in each partition one device that says the number of the
// minute, every minute: message n at minute n.
type endlessLog struct{ step time.Duration }

func (l *endlessLog) Read(_ context.Context, partition int, after uint64) (history.Reader, error) {
	return &endlessReader{device: deviceOf(partition), seq: after, step: l.step}, nil
}

type endlessReader struct {
	device devices.ID
	seq    uint64
	step   time.Duration
}

func (r *endlessReader) Next(ctx context.Context) (uint64, []devices.Report, error) {
	select {
	case <-time.After(r.step):
	case <-ctx.Done():
		return 0, nil, ctx.Err()
	}
	r.seq++
	return r.seq, []devices.Report{report(r.device, int(r.seq), "temperature", float64(r.seq))}, nil
}

func (r *endlessReader) Close() {}
