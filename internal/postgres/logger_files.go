package postgres

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/devices"
	"telltale/internal/views"
)

// KeepLoggerAlarms stores what loggers noted themselves. A line of a file that
// is there already stays as it was.
func (db *DB) KeepLoggerAlarms(ctx context.Context, alarms []views.LoggerAlarm) error {
	batch := &pgx.Batch{}
	for _, a := range alarms {
		file, err := hex.DecodeString(a.File)
		if err != nil {
			return fmt.Errorf("hash of file %s: %w", a.Name, err)
		}
		batch.Queue(`
			insert into logger_alarms (device_id, file, line, name, since, until, kind, celsius, allowed, total, raised_at, content, imported_at)
			values (@device, @file, @line, @name, @since, @until, @kind, @celsius, @allowed, @total, @raised, @content, @imported)
			on conflict do nothing`,
			pgx.NamedArgs{
				"device": string(a.Device), "file": file, "line": a.Line, "name": storableText(a.Name), "since": a.From, "until": a.Until,
				"kind": a.Kind, "celsius": a.Limit, "allowed": a.Allowed, "total": a.Total, "raised": timeOrNull(a.RaisedAt),
				"content": storableText(a.Text), "imported": a.ImportedAt,
			})
	}
	if err := db.q.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("keep %d alarms of loggers: %w", len(alarms), err)
	}
	return nil
}

// LoggerAlarms returns what a device noted itself, the latest first, and how
// much there is.
func (db *DB) LoggerAlarms(ctx context.Context, device devices.ID, limit int) ([]views.LoggerAlarm, int, error) {
	rows, err := db.q.Query(ctx, `
		select encode(file, 'hex'), line, name, since, until, kind, celsius, allowed, total, raised_at, content, imported_at,
		       count(*) over ()
		from logger_alarms where device_id = $1
		order by since desc, line desc, file
		limit $2`, string(device), limit)
	if err != nil {
		return nil, 0, fmt.Errorf("read alarms of logger %s: %w", device, err)
	}
	total := 0
	alarms, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (views.LoggerAlarm, error) {
		a := views.LoggerAlarm{Device: device}
		var raised *time.Time
		err := row.Scan(&a.File, &a.Line, &a.Name, &a.From, &a.Until, &a.Kind, &a.Limit, &a.Allowed, &a.Total, &raised,
			&a.Text, &a.ImportedAt, &total)
		a.RaisedAt = orZero(raised)
		return a, err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read alarms of logger %s: %w", device, err)
	}
	return alarms, total, nil
}

// RequestImport leaves a part of a logger's file for a gateway to take, for
// whoever works beside one.
func (db *DB) RequestImport(ctx context.Context, part views.ReadingsImport) (id int64, err error) {
	text, err := json.Marshal(part)
	if err != nil {
		return 0, fmt.Errorf("encode import: %w", err)
	}
	if err := db.q.QueryRow(ctx, `insert into reading_imports (part) values ($1) returning id`, text).Scan(&id); err != nil {
		return 0, fmt.Errorf("request import: %w", err)
	}
	return id, nil
}

// FinishedImport returns what became of a part and forgets it; done is false
// while no gateway has taken it.
func (db *DB) FinishedImport(ctx context.Context, id int64) (result views.ImportResult, done bool, err error) {
	var text []byte
	var failure string
	err = db.q.QueryRow(ctx, `
		delete from reading_imports where id = $1 and (result is not null or failure <> '')
		returning result, failure`, id).Scan(&text, &failure)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return result, false, nil
	case err != nil:
		return result, false, fmt.Errorf("read import %d: %w", id, err)
	case failure != "":
		return result, false, errors.New(failure)
	}
	if err := json.Unmarshal(text, &result); err != nil {
		return result, false, fmt.Errorf("decode import %d: %w", id, err)
	}
	return result, true, nil
}

// WithdrawImport takes a part back that nobody waits for any more.
func (db *DB) WithdrawImport(ctx context.Context, id int64) error {
	if _, err := db.q.Exec(ctx, `delete from reading_imports where id = $1`, id); err != nil {
		return fmt.Errorf("withdraw import %d: %w", id, err)
	}
	return nil
}

// importForgotten is after what time nobody waits for a part any more.
const importForgotten = time.Hour

// TakeImport hands the oldest part that waits to do, and notes what became of
// it in the same transaction: a part that is broken off is taken again. It is
// false when none waits.
func (db *DB) TakeImport(ctx context.Context, do func(views.ReadingsImport) (views.ImportResult, error)) (taken bool, err error) {
	err = db.InTx(ctx, func(tx *DB) error {
		if _, err := tx.q.Exec(ctx, `delete from reading_imports where requested_at < clock_timestamp() - $1::interval`, importForgotten); err != nil {
			return err
		}
		var id int64
		var text []byte
		err := tx.q.QueryRow(ctx, `
			select id, part from reading_imports where result is null and failure = ''
			order by id limit 1 for update skip locked`).Scan(&id, &text)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		taken = true
		failure := ""
		var part views.ReadingsImport
		var result views.ImportResult
		if err := json.Unmarshal(text, &part); err != nil {
			failure = fmt.Sprintf("the gateway cannot read the import: %v", err)
		} else if result, err = do(part); err != nil {
			return err
		}
		if text, err = json.Marshal(result); err != nil {
			return err
		}
		_, err = tx.q.Exec(ctx, `update reading_imports set result = $2, failure = $3 where id = $1`, id, text, failure)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("take import: %w", err)
	}
	return taken, nil
}
