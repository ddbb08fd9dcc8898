package postgres_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/internal/postgres"
)

func TestPresenceIsTheSameThroughRestartsAndRepetitions(t *testing.T) {
	t.Parallel()
	fleet := []devices.ID{"fridge-1", "fridge-2", "fridge-3"}
	plain, attacked := newFixture(t, fleet...), newFixture(t, fleet...)
	calm, presence := postgres.NewPresence(plain.db), postgres.NewPresence(attacked.db)
	calmEpoch, epoch := acquirePresence(t, plain.db), acquirePresence(t, attacked.db)
	random := rand.New(rand.NewPCG(7, 11))

	for seq := uint64(1); seq <= 60; seq++ {
		reports := make([]devices.Report, 5)
		for i := range reports {
			reports[i] = randomReport(random, append(fleet, "undeclared"))
		}
		if seq%10 == 0 { // another life, that knows nothing
			presence = postgres.NewPresence(attacked.db)
			epoch = acquirePresence(t, attacked.db)
		}
		plain.keep(calm, history.Chunk{Epoch: calmEpoch, Seq: seq, Reports: reports})
		chunk := history.Chunk{Epoch: epoch, Seq: seq, Reports: reports}
		for range 1 + random.IntN(2) { // what is written again changes nothing
			attacked.keep(presence, chunk)
		}
		if diff := cmp.Diff(presenceRows(plain), presenceRows(attacked)); diff != "" {
			t.Fatalf("after message %d (-plain +attacked):\n%s", seq, diff)
		}
	}
	if n := attacked.count(`select count(*) from readings`); n != 0 {
		t.Errorf("%d rows of readings, want none", n)
	}
	if seq, err := presence.Position(t.Context(), 0); err != nil || seq != 60 {
		t.Errorf("position %d, %v, want 60", seq, err)
	}
}

func TestPresenceUnderALostLeaseChangesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "fridge-1")
	presence := postgres.NewPresence(f.db)
	lost := acquirePresence(t, f.db)
	acquirePresence(t, f.db)
	_, err := presence.Write(t.Context(), []history.Chunk{{Epoch: lost, Seq: 1, Reports: []devices.Report{report("fridge-1", 1, "t", 4.0)}}})
	if err != nil {
		t.Fatal(err)
	}
	var fenced *history.FencedError
	if err := presence.Flush(t.Context()); !errors.As(err, &fenced) {
		t.Errorf("error %v, want that the partition went to another writer", err)
	}
	if err := presence.Flush(t.Context()); err != nil {
		t.Errorf("what was dropped is still there: %v", err)
	}
	if rows := presenceRows(f); len(rows) != 0 {
		t.Errorf("presence %v, want none", rows)
	}
}

// What could not be asked for is asked for again: else an older value would
// replace the newest.
func TestPresenceThatCouldNotBeReadIsNotForgotten(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "fridge-1")
	f.see(1, report("fridge-1", 5, "t", 5.0))
	want := presenceRows(f)
	again := postgres.NewPresence(f.db)
	older := history.Chunk{Epoch: acquirePresence(t, f.db), Seq: 2, Reports: []devices.Report{report("fridge-1", 1, "t", 1.0)}}
	f.exec(`alter table device_presence rename to elsewhere`)
	if _, err := again.Write(t.Context(), []history.Chunk{older}); err == nil {
		t.Fatal("presence was taken in without knowing what is there")
	}
	f.exec(`alter table elsewhere rename to device_presence`)
	f.keep(again, older)
	if diff := cmp.Diff(want, presenceRows(f)); diff != "" {
		t.Errorf("after an older report (-want +got):\n%s", diff)
	}
}

func acquirePresence(t testing.TB, db *postgres.DB) int64 {
	t.Helper()
	epoch, ok, err := db.AcquireLease(t.Context(), history.PresenceConsumer, 0, "node", time.Hour)
	if err != nil || !ok {
		t.Fatalf("acquire: ok %t, err %v", ok, err)
	}
	return epoch
}

// randomReport is a report, a status or a last will, in no order of time.
func randomReport(random *rand.Rand, fleet []devices.ID) devices.Report {
	r := report(fleet[random.IntN(len(fleet))], random.IntN(30))
	for _, metric := range []string{"temperature", "mode", "nul\x00"} {
		switch random.IntN(3) {
		case 0:
			r.Readings = append(r.Readings, devices.Reading{Metric: metric, Value: devices.Number(float64(random.IntN(9)))})
		case 1:
			r.Readings = append(r.Readings, devices.Reading{Metric: metric, Value: devices.Label("defrost")})
		}
	}
	if random.IntN(3) == 0 {
		r.Faults = []string{"E21"}[:random.IntN(2)]
	}
	if random.IntN(4) == 0 {
		r.Presence = []devices.Presence{devices.Online, devices.Offline}[random.IntN(2)]
	}
	return r
}

// presenceRows is the whole table as text.
func presenceRows(f *fixture) map[string]string {
	f.t.Helper()
	rows, err := f.conn.Query(f.t.Context(), `
		select device_id, last_seen, observed_at, announced, "values"::text, value_times::text, faults, coalesce(faults_at, '-infinity')::text
		from device_presence`)
	if err != nil {
		f.t.Fatal(err)
	}
	defer rows.Close()
	all := make(map[string]string)
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			f.t.Fatal(err)
		}
		all[fmt.Sprint(values[0])] = fmt.Sprint(values[1:]...)
	}
	if err := rows.Err(); err != nil {
		f.t.Fatal(err)
	}
	return all
}
