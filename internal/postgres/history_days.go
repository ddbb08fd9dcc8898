package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// day is a UTC day, counted from 1970-01-01. Each has a partition of readings
// of its own, which retention drops as a whole.
type day int64

const microsecondsPerDay = 24 * 60 * 60 * 1_000_000

// dayOf returns the day of a time in Unix microseconds.
func dayOf(at int64) day {
	d := at / microsecondsPerDay
	if at%microsecondsPerDay < 0 {
		d--
	}
	return day(d)
}

func (d day) start() time.Time { return time.Unix(int64(d)*24*60*60, 0).UTC() }

// partition is the name of the day's table.
func (d day) partition() string { return d.start().Format("readings_20060102") }

// ordinary reports whether the day has a date of four digits. Others, which
// only a broken clock can name, go to the default partition.
func (d day) ordinary() bool {
	year := d.start().Year()
	return year >= 1 && year <= 9999
}

// ensureDays makes the missing partitions of days.
func (h *History) ensureDays(ctx context.Context, days map[day]bool) error {
	for d := range days {
		if h.days[d] || !d.ordinary() {
			continue
		}
		err := h.db.InTx(ctx, func(tx *DB) error { return tx.makeDay(ctx, d) })
		if err != nil {
			return fmt.Errorf("make %s: %w", d.partition(), err)
		}
		h.days[d] = true
	}
	return nil
}

// dayLock is the advisory lock under which partitions come and go.
const dayLock = 7_203_001

// makeDay makes the partition of a day unless it exists. The table is made
// apart and attached: that blocks neither readers nor writers of readings, as
// making it in place would. Rows of the day that went to the default
// partition before are moved; attaching would refuse to leave them there.
func (db *DB) makeDay(ctx context.Context, d day) error {
	name := pgx.Identifier{d.partition()}.Sanitize()
	from, until := d.start(), (d + 1).start()
	if _, err := db.q.Exec(ctx, `select pg_advisory_xact_lock($1)`, dayLock); err != nil {
		return err
	}
	var exists bool
	if err := db.q.QueryRow(ctx, `select to_regclass($1) is not null`, d.partition()).Scan(&exists); err != nil || exists {
		return err
	}
	if _, err := db.q.Exec(ctx, `create table `+name+` (like readings including defaults including constraints)`); err != nil {
		return err
	}
	// Nobody may add rows of the day to the default partition from here on.
	if _, err := db.q.Exec(ctx, `lock table readings_default in access exclusive mode`); err != nil {
		return err
	}
	if _, err := db.q.Exec(ctx, `
		with moved as (delete from readings_default where observed_at >= $1 and observed_at < $2 returning *)
		insert into `+name+` select * from moved`, from, until); err != nil {
		return err
	}
	_, err := db.q.Exec(ctx, fmt.Sprintf(`alter table readings attach partition %s for values from ('%s') to ('%s')`,
		name, from.Format(time.RFC3339), until.Format(time.RFC3339)))
	return err
}

// DropReadingsBefore removes the readings of all UTC days that ended by the
// time given: whole partitions, which takes no time however many they are. It
// returns how many days went. A reading of such a day that arrives later is
// stored, and goes with the next call.
func (db *DB) DropReadingsBefore(ctx context.Context, before time.Time) (int, error) {
	rows, err := db.q.Query(ctx, `
		select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
		where i.inhparent = 'readings'::regclass
		  and c.relname ~ '^readings_\d{8}$' and substr(c.relname, 10) < $1
		order by c.relname`, dayOf(before.UnixMicro()).start().Format("20060102"))
	if err != nil {
		return 0, fmt.Errorf("days of readings: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return 0, fmt.Errorf("days of readings: %w", err)
	}
	for i, name := range names {
		if err := db.InTx(ctx, func(tx *DB) error { return tx.dropDay(ctx, name) }); err != nil {
			return i, fmt.Errorf("drop %s: %w", name, err)
		}
	}
	_, err = db.q.Exec(ctx, `delete from readings_default where observed_at < $1`, dayOf(before.UnixMicro()).start())
	if err != nil {
		return len(names), fmt.Errorf("drop readings without a day: %w", err)
	}
	return len(names), nil
}

// dropDay drops a partition. It needs the whole of readings for a moment, and
// rather gives up than make everybody queue behind it while it waits.
func (db *DB) dropDay(ctx context.Context, name string) error {
	if _, err := db.q.Exec(ctx, `set local lock_timeout = '2s'`); err != nil {
		return err
	}
	if _, err := db.q.Exec(ctx, `select pg_advisory_xact_lock($1)`, dayLock); err != nil {
		return err
	}
	_, err := db.q.Exec(ctx, `drop table if exists `+pgx.Identifier{name}.Sanitize())
	return err
}
