package partition

import (
	"context"

	"telltale/rules"
)

// Inhibitors is the alarms that hold others back beyond their own device, as
// they stood in the database at some moment.
type Inhibitors struct {
	Alarms []rules.OpenAlarm
}

// Inhibited says what an engine was told of the alarms of other partitions, and
// when: after which message of its own. It commits with the round that was
// decided by it, so that a replay decides by the same.
type Inhibited struct {
	Seq    uint64
	Places []rules.Place
}

// lookAround tells the engine what holds its alarms back elsewhere, when that
// has changed. What its own devices' alarms hold back it knows by itself, and
// sooner. A round holds one telling, for a replay tells all of them again: the
// next one waits until that round is sent.
func (w *Worker) lookAround() {
	seen := w.inhibitors()
	if seen == nil || w.round.Inhibited != nil || seen == w.seen && w.decl == w.seenUnder {
		return
	}
	w.seen, w.seenUnder = seen, w.decl
	var places []rules.Place
	for _, a := range seen.Alarms {
		if rule, ok := w.decl.Rules.Rule(a.Key.Rule); ok && rule.Mode == a.Mode && !w.owns(a.Key.Subject) {
			places = append(places, w.decl.Rules.PlacesOf(a.Key)...)
		}
	}
	if w.engine.Inhibit(places) {
		w.round.Inhibited = &Inhibited{Seq: w.seq, Places: w.engine.Inhibited()}
	}
}

// inhibitedSoFar reads what the engine was told since its snapshot.
func (w *Worker) inhibitedSoFar(ctx context.Context, snapshot Snapshot) error {
	told, err := w.store.Inhibited(ctx, w.partition, snapshot.Seq)
	w.told = told
	return err
}

// tellAgain tells the engine once more what it was told before it decided a
// message in its former life; all that is left when there is none.
func (w *Worker) tellAgain(before uint64) {
	for len(w.told) > 0 && w.told[0].Seq < before {
		w.engine.Inhibit(w.told[0].Places)
		w.told = w.told[1:]
	}
}
