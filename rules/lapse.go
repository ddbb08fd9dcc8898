package rules

import "slices"

// lapse is that a rule failed at a report, by the report's event time. A
// journal remembers its lapses, so that one that comes again when reports are
// applied again is not counted twice. They are not part of a snapshot: those
// from before a restart may be counted once more.
type lapse struct {
	at   int64
	rule int
}

// fails notes a lapse. It reports false for one that was counted when its
// report was applied first.
func (j *journal) fails(l lapse) (counts bool) {
	if len(j.failed) < maxJournal { // of more, the last may be counted again
		j.failed = append(j.failed, l)
	}
	known := slices.Index(j.counted, l)
	if known < 0 {
		return true
	}
	j.counted = slices.Delete(j.counted, known, known+1)
	return false
}

// failAgain is called before the reports since a checkpoint are applied again.
func (j *journal) failAgain(from *checkpoint) {
	j.counted = nil
	j.failed = slices.DeleteFunc(j.failed, func(l lapse) bool {
		again := l.at >= from.at
		if again {
			j.counted = append(j.counted, l)
		}
		return again
	})
}
