package simulator

import (
	"context"
	"fmt"
	"time"
)

// pulse is how often the fleet is stepped by the wall clock. At 240 times the
// speed that is 24 simulated seconds.
const pulse = 100 * time.Millisecond

// Run steps the fleet by the clock and publishes what it says, until ctx
// ends; then it returns nil. The publisher has to run beside it.
func Run(ctx context.Context, fleet *Fleet, clock Clock, publisher *Publisher) error {
	ticker := time.NewTicker(pulse)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			err := publisher.Publish(ctx, fleet.Step(clock.At(now)))
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return fmt.Errorf("run the fleet: %w", err)
			}
		case <-ctx.Done():
			return nil
		}
	}
}
