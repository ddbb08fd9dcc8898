package load

import (
	"context"
	"math"
	"time"
)

// pace makes messages due, at the rate and in turn for all connections, until
// warm-up and duration are over or ctx ends. One goroutine does it, so that a message
// wakes nobody to be sent.
func pace(ctx context.Context, clients []*client, opts *Options, started time.Time) error {
	var err error
	if opts.Rate == 0 {
		err = oweEverything(ctx, clients, opts.WarmUp+opts.Duration)
	} else {
		err = oweInTurn(ctx, clients, opts, started)
	}
	for _, c := range clients {
		if err == nil {
			err = c.end()
		}
	}
	return err
}

func oweEverything(ctx context.Context, clients []*client, during time.Duration) error {
	over := time.NewTimer(during)
	defer over.Stop()
	for _, c := range clients {
		if err := c.owe(everything); err != nil {
			return err
		}
	}
	select {
	case <-over.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pacing is how often the pacer looks. A timer for each message would cost more
// than the message; how late they are for it is measured.
const pacing = time.Millisecond

func oweInTurn(ctx context.Context, clients []*client, opts *Options, started time.Time) error {
	tick := time.NewTicker(pacing)
	defer tick.Stop()
	all := int(math.Ceil((opts.WarmUp + opts.Duration).Seconds() * float64(opts.Rate)))
	for owed := 0; ; {
		for due := min(all, dueBy(time.Since(started), opts.Rate)); owed < due; owed++ {
			if err := clients[owed%len(clients)].owe(1); err != nil {
				return err
			}
		}
		if owed == all {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// dueBy is how many messages are due after a time: the first is at once.
func dueBy(elapsed time.Duration, rate int) int {
	return int(elapsed.Seconds()*float64(rate)) + 1
}

// dueAfter is how long after the start the message of a number, counted over
// all connections, is due.
func dueAfter(number, rate int) time.Duration {
	return time.Duration(float64(number) * float64(time.Second) / float64(rate))
}
