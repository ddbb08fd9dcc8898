package recalls

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// settleAfter is how long after a declaration a shipment is looked at once
// more: by then the reading history, which is written on its own, holds what
// was said before the workers knew of the shipment.
const settleAfter = time.Minute

// CatchUp looks at shipments whose judgement is out of date for another
// reason than a reading: they or their profile were declared or changed, or
// the time of one of their loggers has ended. It takes over what the history
// knows of them and considers each in a transaction of its own, up to limit of
// them, and returns how many it looked at; fewer than limit means that there
// are no more. A shipment that fails does not keep the others waiting; its
// error is among those returned. It is for a timer; several nodes may run it.
func (d *Desk) CatchUp(ctx context.Context, limit int) (int, error) {
	now := d.now()
	var ids []string
	err := d.transact(ctx, func(store Store) (err error) {
		ids, err = store.StaleShipments(ctx, now, settleAfter, limit)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("find shipments to catch up with: %w", err)
	}
	var failed []error
	for _, id := range ids {
		err := d.transact(ctx, func(store Store) error {
			if _, err := store.BackfillTrace(ctx, id); err != nil {
				return err
			}
			_, err := d.Consider(ctx, store, id, "", now)
			return err
		})
		if err != nil {
			failed = append(failed, fmt.Errorf("catch up with shipment %s: %w", id, err))
		}
	}
	return len(ids), errors.Join(failed...)
}
