package app

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"telltale/ingest/stream"
	"telltale/internal/postgres"
	"telltale/tickets"
	"telltale/tickets/recalls"
)

// janitor lets go of what nobody needs any more, and does what only time asks
// for.
type janitor struct {
	log     *stream.Log
	db      *postgres.DB
	desk    *tickets.Desk
	recalls *recalls.Desk
	retain  time.Duration // of readings
	history []string      // consumers of the log that keep readings and presence
	logger  *zap.Logger

	quarantine *keeper // which knows its bounds

	trimmed map[int]uint64 // partition -> position trimmed last
}

// Distances of the rounds.
const (
	catchUpEvery = 5 * time.Second
	shelvesEvery = 10 * time.Second
	trimEvery    = 10 * time.Second
	sweepEvery   = 10 * time.Minute
)

// run works until ctx ends.
func (j *janitor) run(ctx context.Context) error {
	catchUp, trim, sweep := time.NewTicker(catchUpEvery), time.NewTicker(trimEvery), time.NewTicker(sweepEvery)
	shelves := time.NewTicker(shelvesEvery)
	defer shelves.Stop()
	defer catchUp.Stop()
	defer trim.Stop()
	defer sweep.Stop()
	for {
		select {
		case <-catchUp.C:
			j.report("shipments not brought up to date", j.catchUp(ctx))
		case <-shelves.C:
			_, err := j.desk.TendShelves(ctx, time.Now())
			j.report("shelves of alarms not looked at", err)
		case <-trim.C:
			j.report("log not trimmed", j.trim(ctx))
		case <-sweep.C:
			j.report("old tickets and readings not cleared away", j.sweep(ctx, time.Now()))
		case <-ctx.Done():
			return nil
		}
	}
}

func (j *janitor) report(what string, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		j.logger.Warn(what, zap.Error(err))
	}
}

// catchUpRound bounds the shipments of one call.
const catchUpRound = 100

// catchUp judges the shipments that no reading will make anybody look at: new
// and changed ones, arrivals, loggers that were taken off.
func (j *janitor) catchUp(ctx context.Context) error {
	for {
		n, err := j.recalls.CatchUp(ctx, catchUpRound)
		if err != nil || n < catchUpRound {
			return err
		}
	}
}

// trim drops from the log what every consumer is past for good: the rules
// behind their snapshot, for a restart replays from there, and the history
// behind its checkpoints.
func (j *janitor) trim(ctx context.Context) error {
	upTos, err := j.db.SnapshotPositions(ctx)
	if err != nil {
		return err
	}
	for _, consumer := range j.history {
		stored, err := j.db.Checkpoints(ctx, consumer)
		if err != nil {
			return err
		}
		for p := range upTos {
			upTos[p] = min(upTos[p], stored[p])
		}
	}
	for p, upTo := range upTos {
		if upTo <= j.trimmed[p] {
			continue
		}
		if err := j.log.Trim(ctx, p, upTo); err != nil {
			return err
		}
		j.trimmed[p] = upTo
	}
	return nil
}

// keepEvents is how long events that are delivered everywhere can still be read
// by a client that was away.
const keepEvents = 30 * 24 * time.Hour

// sweep closes tickets that were solved long enough ago and drops days of
// readings, events, refused messages and records of what was held back that are
// older than anybody wants them.
func (j *janitor) sweep(ctx context.Context, now time.Time) error {
	_, closeErr := j.desk.CloseSolved(ctx, now)
	_, dropErr := j.db.DropReadingsBefore(ctx, now.Add(-j.retain))
	_, pruneErr := j.db.PruneEvents(ctx, now.Add(-keepEvents))
	_, heldErr := j.db.PruneHeldAlarms(ctx, now.Add(-j.retain))
	return errors.Join(closeErr, dropErr, pruneErr, heldErr, j.quarantine.bound(ctx, now))
}
