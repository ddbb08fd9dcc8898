package history

import (
	"context"
	"fmt"
	"time"

	"telltale/devices"
)

// Archive is a history that can be read whole.
type Archive interface {
	// Walk calls f with everything kept of a device, or of all (""), over
	// [from, to), in runs that f must not keep. It ends with the first error.
	Walk(ctx context.Context, device devices.ID, from, to time.Time, f func([]devices.Report) error) error

	// Count returns how many readings that is.
	Count(ctx context.Context, device devices.ID, from, to time.Time) (int64, error)
}

// Importer takes readings over from elsewhere.
type Importer interface {
	// Import stores reports. A reading that is there already is not stored
	// twice. It returns how many readings it took, and those that it never
	// will.
	Import(ctx context.Context, reports []devices.Report) (stored int64, refused []Refused, err error)
}

// CopyOptions say what is copied.
type CopyOptions struct {
	Device   devices.ID // "": of all devices
	From, To time.Time

	// Done is called after each day of the log; nil: nobody is told.
	Done func(Copied)

	// Refused is given what the importer will never take. Required.
	Refused func(ctx context.Context, refused []Refused) error
}

// Copied says how far a copy has come.
type Copied struct {
	Readings int64     // that were read
	Stored   int64     // of those, taken: new ones, or all where the importer cannot tell
	Refused  int64     // of those, never taken
	Until    time.Time // everything before it is copied
}

// Copy brings what one history keeps into another, by UTC days from the oldest
// on. It may run at any time and again. After an error it says from when on it
// has to go on.
func Copy(ctx context.Context, from Archive, to Importer, opts CopyOptions) (Copied, error) {
	done := Copied{Until: opts.From}
	for done.Until.Before(opts.To) {
		until := done.Until.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
		if until.After(opts.To) {
			until = opts.To
		}
		err := from.Walk(ctx, opts.Device, done.Until, until, func(reports []devices.Report) error {
			stored, refused, err := to.Import(ctx, reports)
			if err != nil {
				return err
			}
			for i := range reports {
				done.Readings += int64(len(reports[i].Readings))
			}
			for i := range refused {
				done.Refused += int64(len(refused[i].Report.Readings))
			}
			done.Stored += stored
			if len(refused) == 0 {
				return nil
			}
			return opts.Refused(ctx, refused)
		})
		if err != nil {
			return done, fmt.Errorf("copy the readings of %s: %w", done.Until.UTC().Format(time.DateOnly), err)
		}
		done.Until = until
		if opts.Done != nil {
			opts.Done(done)
		}
	}
	return done, nil
}
