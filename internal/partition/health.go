package partition

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"telltale/rules"
)

const (
	// forgiven is how long a rule must not have failed to count as well
	// again: long enough that one device a few times an hour keeps it failing.
	forgiven = time.Hour

	// recounted is how often a growing count of failures is written down. A
	// rule may fail at every reading.
	recounted = 10 * time.Second
)

// HealthChange is the health of a rule in a partition, and what it was.
type HealthChange struct {
	rules.Health
	Before rules.HealthState
	Cause  string // of the last failure, for the log alone
}

// ward is what is known of the rules of a partition that are not well.
type ward struct {
	known map[string]rules.Health
	cause map[string]string       // of the last failure of each rule, since this worker began
	told  map[string]rules.Health // as they were written down last
	at    time.Time               // when counts were written down last
}

// newWard takes over what the database knows.
func newWard(known []rules.Health) *ward {
	w := &ward{known: make(map[string]rules.Health), cause: make(map[string]string), told: make(map[string]rules.Health)}
	for _, h := range known {
		w.known[h.Rule], w.told[h.Rule] = h, h
	}
	return w
}

// note takes in failures.
func (w *ward) note(failures []rules.Failure) {
	for _, f := range failures {
		h := w.known[f.Rule]
		if h.State != rules.Failing || h.Version != f.Version {
			h = rules.Health{Rule: f.Rule, Version: f.Version, State: rules.Failing, Since: f.At}
		}
		h.Reason, h.Device, h.At, h.Count = f.Reason, f.Device, f.At, h.Count+f.Count
		w.known[f.Rule], w.cause[f.Rule] = h, f.Cause
	}
}

// keep forgets rules that are gone, off or of another version now: a new
// version has not failed yet.
func (w *ward) keep(set *rules.Set) {
	for id, h := range w.known {
		if r, ok := set.Rule(id); !ok || r.Mode == rules.Off || r.Version != h.Version {
			delete(w.known, id)
		}
	}
}

// check forgives those that have not failed for a while, and takes in which
// rules are short of something now. To fail is worse than that.
func (w *ward) check(short []rules.Shortage, now time.Time) {
	for id, h := range w.known {
		if h.State == rules.Failing && now.Sub(h.At) >= forgiven ||
			h.State == rules.Degraded && !slices.ContainsFunc(short, func(s rules.Shortage) bool { return s.Rule == id }) {
			delete(w.known, id)
		}
	}
	for _, s := range short {
		h, known := w.known[s.Rule]
		if known && h.State == rules.Failing {
			continue
		}
		if !known {
			h = rules.Health{Rule: s.Rule, Version: s.Version, State: rules.Degraded, Since: now}
		}
		h.Reason, h.Device, h.At = s.Reason, s.Device, now
		w.known[s.Rule] = h
	}
}

// changes returns what is to be written down, by rule.
func (w *ward) changes(now time.Time) []HealthChange {
	var changes []HealthChange
	recount := now.Sub(w.at) >= recounted
	for id, h := range w.known {
		before, told := w.told[id]
		switch {
		case told && before.State == h.State && before.Version == h.Version && before.Device == h.Device && before.Count == h.Count:
		case told && before.State == h.State && before.Version == h.Version && !recount:
		default:
			change := HealthChange{Health: h, Before: cmp.Or(before.State, rules.Healthy)}
			if h.State == rules.Failing {
				change.Cause = w.cause[id]
			}
			changes = append(changes, change)
			w.told[id] = h
		}
	}
	for id, before := range w.told {
		if _, still := w.known[id]; !still {
			well := rules.Health{Rule: id, Version: before.Version, State: rules.Healthy, Since: now, At: now}
			changes = append(changes, HealthChange{Health: well, Before: before.State})
			delete(w.cause, id)
			delete(w.told, id)
		}
	}
	if len(changes) > 0 && recount {
		w.at = now
	}
	slices.SortFunc(changes, func(a, b HealthChange) int { return cmp.Compare(a.Rule, b.Rule) })
	return changes
}

// readHealth takes over what the database knows of this partition's rules. What
// failed in the replay is in there already.
func (w *Worker) readHealth(ctx context.Context) error {
	w.engine.TakeFailures()
	w.engine.TakeLosses()
	known, err := w.store.RuleHealth(ctx, w.partition)
	if err != nil {
		return fmt.Errorf("read health of rules: %w", err)
	}
	w.ward = newWard(known)
	for _, h := range known {
		w.metrics.health.WithLabelValues(h.Rule, string(h.State)).Inc()
	}
	return nil
}

// tellLosses counts and logs the reports that could not be taken in.
func (w *Worker) tellLosses() {
	for _, l := range w.engine.TakeLosses() {
		w.metrics.lost.Add(float64(l.Count))
		w.logger.Error("report not taken in by the rules", zap.Int("partition", w.partition), zap.String("device_id", string(l.Device)),
			zap.String("reason", l.Reason), zap.Int64("count", l.Count), zap.String("trace", l.Trace))
	}
}

// tendHealth adds to the round how the rules fare, where that has changed.
func (w *Worker) tendHealth() {
	w.tellLosses()
	failures := w.engine.TakeFailures()
	for _, f := range failures {
		w.metrics.failures.WithLabelValues(f.Rule).Add(float64(f.Count))
	}
	w.ward.note(failures)
	w.ward.keep(w.decl.Rules)
	now := w.opts.Now()
	if now.Sub(w.checkedAt) >= w.opts.HealthEvery || w.decl != w.checkedUnder {
		w.checkedAt, w.checkedUnder = now, w.decl
		w.ward.check(w.shortages(), now)
	}
	w.round.Health = append(w.round.Health, w.ward.changes(now)...)
}

// shortages returns which rules see less than they ask for. What is true of a
// rule in all partitions one of them says.
func (w *Worker) shortages() []rules.Shortage {
	short := w.engine.Shortages()
	if w.partition != 0 {
		return short
	}
	for _, s := range w.unheard() {
		if r, ok := w.decl.Rules.Rule(s.Rule); ok && r.Version == s.Version { // it was looked for a while ago
			short = append(short, s)
		}
	}
	return append(short, w.decl.Rules.Idle()...)
}

// tellHealth logs and counts changes that are written down.
func (w *Worker) tellHealth(changes []HealthChange) {
	for _, c := range changes {
		if c.Before == c.State {
			continue
		}
		w.metrics.moveHealth(c)
		level := zap.WarnLevel
		if c.State == rules.Healthy {
			level = zap.InfoLevel
		}
		w.logger.Log(level, "rule health "+string(c.State), zap.String("rule", c.Rule), zap.Int("version", c.Version),
			zap.Int("partition", w.partition), zap.String("device_id", string(c.Device)), zap.String("reason", c.Reason), zap.String("cause", c.Cause))
	}
}

// leaveHealth takes what this worker knows out of the metrics: another node
// tells of it from now on.
func (w *Worker) leaveHealth() {
	for rule, h := range w.ward.told {
		w.metrics.health.WithLabelValues(rule, string(h.State)).Dec()
	}
}
