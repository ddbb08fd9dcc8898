package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/internal/postgres"
	"telltale/internal/postgres/pgtest"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// fixture is a database with declared devices, and a history that leases
// partition 0.
type fixture struct {
	t     testing.TB
	db    *postgres.DB
	store *postgres.History
	conn  *pgx.Conn
	epoch int64

	presence      *postgres.Presence // made by see
	presenceEpoch int64
}

func newFixture(t testing.TB, ids ...devices.ID) *fixture {
	t.Helper()
	db, conn := openBoth(t, postgres.Options{MaxConns: 4})
	f := &fixture{t: t, db: db, store: postgres.NewHistory(db), conn: conn}
	f.exec(`insert into models (id, spec) values ('M', '{}')`)
	f.declare(ids...)
	f.acquire()
	return f
}

// openBoth returns a fresh database and a connection past the package, to look
// at its tables and to change them.
func openBoth(t testing.TB, opts postgres.Options) (*postgres.DB, *pgx.Conn) {
	t.Helper()
	url := pgtest.URL(t)
	db, err := postgres.Open(t.Context(), url, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return db, conn
}

func (f *fixture) declare(ids ...devices.ID) {
	f.t.Helper()
	for _, id := range ids {
		f.exec(`insert into devices (id, model, spec) values ($1, 'M', '{}')`, string(id))
	}
}

// acquire takes partition 0 again, under the next epoch.
func (f *fixture) acquire() {
	f.t.Helper()
	epoch, ok, err := f.db.AcquireLease(f.t.Context(), history.Consumer, 0, "node", time.Hour)
	if err != nil || !ok {
		f.t.Fatalf("acquire: ok %t, err %v", ok, err)
	}
	f.epoch = epoch
}

func (f *fixture) chunk(seq uint64, reports ...devices.Report) history.Chunk {
	return history.Chunk{Partition: 0, Epoch: f.epoch, Seq: seq, Reports: reports}
}

func (f *fixture) write(want history.Written, chunks ...history.Chunk) {
	f.t.Helper()
	got, err := f.store.Write(f.t.Context(), chunks)
	if err != nil {
		f.t.Fatalf("write: %v", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		f.t.Errorf("written (-want +got):\n%s", diff)
	}
}

// see keeps the presence that reports tell of.
func (f *fixture) see(seq uint64, reports ...devices.Report) {
	f.t.Helper()
	if f.presence == nil {
		f.presence = postgres.NewPresence(f.db)
		f.presenceEpoch = acquirePresence(f.t, f.db)
	}
	f.keep(f.presence, history.Chunk{Epoch: f.presenceEpoch, Seq: seq, Reports: reports})
}

// keep has a chunk taken in and stored.
func (f *fixture) keep(p *postgres.Presence, chunk history.Chunk) {
	f.t.Helper()
	_, err := p.Write(f.t.Context(), []history.Chunk{chunk})
	if err == nil {
		err = p.Flush(f.t.Context())
	}
	if err != nil {
		f.t.Fatalf("write presence: %v", err)
	}
}

// points returns everything that is stored of a metric between 2000 and 2100.
func (f *fixture) points(device devices.ID, metric string) []history.Point {
	f.t.Helper()
	points, err := f.db.RawPoints(f.t.Context(), device, metric,
		time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		f.t.Fatal(err)
	}
	return points
}

func (f *fixture) exec(sql string, args ...any) {
	f.t.Helper()
	if _, err := f.conn.Exec(f.t.Context(), sql, args...); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) count(sql string) (n int) {
	f.t.Helper()
	if err := f.conn.QueryRow(f.t.Context(), sql).Scan(&n); err != nil {
		f.t.Fatal(err)
	}
	return n
}

func minute(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }

func point(at int, number float64) history.Point {
	return history.Point{T: minute(at), Value: devices.Number(number)}
}

// report is what a device says at a minute after noon, and we hear a second
// later: metric, number, metric, number...
func report(device devices.ID, at int, values ...any) devices.Report {
	r := devices.Report{Device: device, ObservedAt: minute(at), ReceivedAt: minute(at).Add(time.Second)}
	for i := 0; i < len(values); i += 2 {
		r.Readings = append(r.Readings, devices.Reading{
			Metric: fmt.Sprint(values[i]), Value: devices.Number(values[i+1].(float64)),
		})
	}
	return r
}

func labelled(device devices.ID, at int, metric, label string) devices.Report {
	r := report(device, at)
	r.Readings = []devices.Reading{{Metric: metric, Value: devices.Label(label)}}
	return r
}
