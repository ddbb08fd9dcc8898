package tickets

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"telltale/devices"
	"telltale/rules"
)

// Catalog is what is declared at present, held in memory.
type Catalog interface {
	// Rule returns the rule at that version when it is still known, else as
	// it is declared now, and false when there is no such rule any more.
	Rule(id string, version int) (*rules.Rule, bool)

	// Directory returns the declared models and devices.
	Directory() *devices.Directory
}

// Options of a [Desk].
type Options struct {
	// Now is the clock for what people do. Default: [time.Now].
	Now func() time.Time

	// CloseAfter is how long a ticket stays solved before it is closed for
	// good. Default: 7 days.
	CloseAfter time.Duration

	// LinkWithin is how long after a ticket was solved the next one for the
	// same thing mentions it. Default: 24 hours.
	LinkWithin time.Duration

	// MaxShelve is the longest time an alarm may be put aside. Default: 7
	// days.
	MaxShelve time.Duration

	// RemindShelved is how long before the end of a shelf it is announced; a
	// shelf of less than four times that, in its last quarter. Default: 1 hour.
	RemindShelved time.Duration
}

// Defaults of [Options].
const (
	defaultCloseAfter = 7 * 24 * time.Hour
	defaultLinkWithin = 24 * time.Hour
	defaultMaxShelve  = 7 * 24 * time.Hour
	defaultRemind     = time.Hour
)

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.CloseAfter = cmp.Or(o.CloseAfter, defaultCloseAfter)
	o.LinkWithin = cmp.Or(o.LinkWithin, defaultLinkWithin)
	o.MaxShelve = cmp.Or(o.MaxShelve, defaultMaxShelve)
	o.RemindShelved = cmp.Or(o.RemindShelved, defaultRemind)
	return o
}

func (o Options) validate() error {
	var faults []error
	check := func(name string, d time.Duration) {
		if d < 0 {
			faults = append(faults, fmt.Errorf("tickets: option %s must not be negative", name))
		}
	}
	check("CloseAfter", o.CloseAfter)
	check("LinkWithin", o.LinkWithin)
	check("MaxShelve", o.MaxShelve)
	check("RemindShelved", o.RemindShelved)
	return errors.Join(faults...)
}

// Desk is where alarm transitions and people's acts become changes of alarms
// and tickets. It holds no state of its own and is safe for concurrent use.
type Desk struct {
	catalog  Catalog
	transact Transact
	opts     Options
}

// NewDesk returns a desk that reads rule texts from catalog and runs people's
// acts in transactions of its own.
func NewDesk(catalog Catalog, transact Transact, opts Options) (*Desk, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	return &Desk{catalog: catalog, transact: transact, opts: opts.withDefaults()}, nil
}

// now returns the clock's time in the precision that is stored.
func (d *Desk) now() time.Time { return stored(d.opts.Now()) }

// stored returns t as it comes back from the store: UTC, in microseconds.
func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// Handle turns transitions, in the order they were decided, into changes of
// alarms and tickets with their events, in the caller's transaction. The same
// transitions again change nothing. Now is our clock's time, for when things
// were opened and solved; when they happened is in the transitions. After an
// error the transaction must be rolled back; the same transitions may then be
// given again.
func (d *Desk) Handle(ctx context.Context, store Store, transitions []rules.Transition, now time.Time) error {
	transitions = storable(transitions)
	if len(transitions) == 0 {
		return nil
	}
	now = stored(now)

	records, err := store.Load(ctx, d.lookup(transitions, now))
	if err != nil {
		return fmt.Errorf("load alarms and tickets of %d transitions: %w", len(transitions), err)
	}
	b := newBook(records, now)
	for i := range transitions {
		d.apply(b, &transitions[i])
	}
	return b.save(ctx, store)
}

// lookup asks for everything the transitions may touch, at once.
func (d *Desk) lookup(transitions []rules.Transition, now time.Time) Lookup {
	what := Lookup{SolvedSince: now.Add(-d.opts.LinkWithin)}
	for i := range transitions {
		t := &transitions[i]
		if t.Change == rules.Suppressed || t.Change == rules.Released {
			what.Held = append(what.Held, t.AlarmID)
			if t.Becomes != "" {
				what.AlarmIDs = append(what.AlarmIDs, t.Becomes)
			}
			continue
		}
		what.AlarmIDs = append(what.AlarmIDs, t.AlarmID)
		what.Keys = append(what.Keys, AlarmKey{Key: t.Key, Mode: t.Mode})
		if t.Reopens != "" {
			what.AlarmIDs = append(what.AlarmIDs, t.Reopens)
		}
		what.ActedOn = what.ActedOn || t.Change == rules.Withdrawn
		if t.Change == rules.Raised {
			what.Raises = append(what.Raises, Raise{Key: t.Key, OwnedAt: ownedAt(t)})
			if d.mayOpen(t) {
				what.Numbers++
			}
		}
	}
	return what
}

// mayOpen reports whether a raise may open a ticket.
func (d *Desk) mayOpen(t *rules.Transition) bool {
	rule, declared := d.catalog.Rule(t.Key.Rule, t.RuleVersion)
	return t.Mode == rules.Live && !(declared && rule.Ticket.None)
}

func ownedAt(t *rules.Transition) OwnedAt {
	return OwnedAt{Device: devices.ID(t.Key.Subject.ID), At: t.RaisedAt}
}

// storable returns the transitions as the store can hold them: times in
// microseconds, texts that are valid. A device may send a label that is not;
// it must not stop the others' alarms.
func storable(transitions []rules.Transition) []rules.Transition {
	clone := make([]rules.Transition, 0, len(transitions))
	for _, t := range transitions {
		t.At, t.RaisedAt, t.PendingSince = stored(t.At), stored(t.RaisedAt), stored(t.PendingSince)
		t.ClearedAt = orZero(t.ClearedAt)
		t.Faults, t.Explanation = cleanAll(t.Faults), cleanAll(t.Explanation)
		t.Trace = clean(t.Trace)
		t.Values = cleanValues(t.Values)
		t.Evidence.Computed = cleanComputed(t.Evidence.Computed)
		clone = append(clone, t)
	}
	return clone
}

func cleanAll(list []string) []string {
	cleaned := make([]string, len(list))
	for i, s := range list {
		cleaned[i] = clean(s)
	}
	return cleaned
}

func cleanComputed(list []rules.Computed) []rules.Computed {
	cleaned := slices.Clone(list)
	for i := range cleaned {
		cleaned[i].Call = clean(cleaned[i].Call)
	}
	return cleaned
}

func cleanValues(values map[string]devices.Value) map[string]devices.Value {
	cleaned := make(map[string]devices.Value, len(values))
	for name, v := range values {
		v.Label = clean(v.Label)
		cleaned[clean(name)] = v
	}
	return cleaned
}
