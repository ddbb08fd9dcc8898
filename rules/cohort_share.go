package rules

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// sharedFormat is the first byte of what engines tell each other.
const sharedFormat = 1

// ShareCohorts appends to dst what the engines of other partitions need to
// know of the devices of this one: the slots of time that are over, of all
// cohorts. It appends nothing when no rule compares devices that have been
// heard. Equal states give equal bytes.
func (e *Engine) ShareCohorts(dst []byte) []byte {
	if len(e.cohorts) == 0 {
		return dst
	}
	w := writer{append(dst, sharedFormat)}
	keys := e.cohortKeys()
	w.uint(uint64(len(keys)))
	for _, key := range keys {
		c := e.cohorts[key]
		w.text(key.model)
		w.text(key.metric)
		w.int(key.window)
		w.int(c.spec.part)
		w.summaries(c.closed)
	}
	return w.buf
}

func (e *Engine) cohortKeys() []cohortKey {
	return slices.SortedFunc(maps.Keys(e.cohorts), func(a, b cohortKey) int {
		return cmp.Or(cmp.Compare(a.model, b.model), cmp.Compare(a.metric, b.metric), cmp.Compare(a.window, b.window))
	})
}

// UseCohorts replaces what is known of the devices in other partitions by what
// their engines shared, in any order. It is a change of state that is in no
// log, so whoever recovers an engine by replay must save a snapshot before it
// goes on. On an error the engine is as it was.
func (e *Engine) UseCohorts(shared [][]byte) error {
	others := make(map[cohortKey]map[int64][]summary)
	for _, one := range shared {
		if err := e.readShared(one, others); err != nil {
			return fmt.Errorf("use cohorts: %w", err)
		}
	}
	for key, c := range e.cohorts {
		c.others = nil
		for _, slot := range slices.Sorted(maps.Keys(others[key])) {
			c.others = append(c.others, mergeSummaries(slot, others[key][slot]))
		}
		c.others = recent(c.others, c.oldest())
		c.refer()
	}
	return nil
}

// readShared adds what one engine shared to that of the others, by cohort and
// slot. Cohorts whose slots are of another length are left out: that engine
// works by other declarations for a moment.
func (e *Engine) readShared(shared []byte, others map[cohortKey]map[int64][]summary) error {
	r := reader{buf: shared}
	if format := r.byte(); format != sharedFormat && r.err == nil {
		return fmt.Errorf("unknown format %d", format)
	}
	for n := r.count(); n > 0 && r.err == nil; n-- {
		key := cohortKey{model: r.text(), metric: r.text(), window: r.int()}
		part, summaries := r.int(), r.summaries()
		c, ok := e.cohorts[key]
		if !ok || c.spec.part != part {
			continue
		}
		if others[key] == nil {
			others[key] = make(map[int64][]summary)
		}
		for _, s := range summaries {
			others[key][s.slot] = append(others[key][s.slot], s)
		}
	}
	if r.err == nil && len(r.buf) > 0 {
		r.fail()
	}
	return r.err
}
