package rules

import (
	"math"

	"telltale/devices"
)

// An entry of a journal's log:
//
//	header    uvarint: number of readings << 3 | flags
//	time      varint: microseconds since 2020, or nanoseconds if entryFine
//	held      if entryHeld: uvarint count, and as many uvarints
//	faults    if entryFaults: uvarint count, and as many texts
//	readings  uvarint slot << 3 | kind, and by kind:
//	          scale of a decimal, below [devices.DecimalScales]: varint
//	          entryFloat: 8 bytes; entryLabel: a text
//
// A report of three metrics takes 16 bytes or so.
const (
	entryHeld   = 1 << 0
	entryFaults = 1 << 1
	entryFine   = 1 << 2
	entryFlags  = 3 // bits

	entryFloat = devices.DecimalScales
	entryLabel = entryFloat + 1
	entryKinds = 3 // bits

	entryEpoch = 1_577_836_800_000_000_000 // 2020-01-01, in Unix nanoseconds
)

func appendEntry(log []byte, observed int64, held []int, readings []accepted, known bool, faults []string) []byte {
	w := writer{log}
	at, flags := observed-entryEpoch, uint64(0)
	if at%1000 == 0 {
		at /= 1000
	} else {
		flags |= entryFine
	}
	if len(held) > 0 {
		flags |= entryHeld
	}
	if known {
		flags |= entryFaults
	}
	w.uint(uint64(len(readings))<<entryFlags | flags)
	w.int(at)
	if len(held) > 0 {
		w.uint(uint64(len(held)))
		for _, i := range held {
			w.uint(uint64(i))
		}
	}
	if known {
		w.uint(uint64(len(faults)))
		for _, code := range faults {
			w.text(code)
		}
	}
	for i := range readings {
		w.entryReading(&readings[i])
	}
	return w.buf
}

func (w *writer) entryReading(a *accepted) {
	key := uint64(a.slot) << entryKinds
	if a.value.IsLabel() {
		w.uint(key | entryLabel)
		w.text(a.value.Label)
	} else if n, scale, ok := devices.Decimal(a.value.Number); ok {
		w.uint(key | uint64(scale))
		w.int(n)
	} else {
		w.uint(key | entryFloat)
		w.fixed(math.Float64bits(a.value.Number))
	}
}

// entry is one report of the log, taken apart.
type entry struct {
	observed int64
	held     []int // what went by our clock and held back others; see [Engine.holdingBack]
	report   devices.Report
}

// next reads the entry at an offset and returns the offset of the one after.
// The entry's lists are used again by the next call.
func (j *journal) next(p *plan, offset int, into *entry) (after int, err error) {
	r := reader{buf: j.log[offset:]}
	header := r.uint()
	into.observed = r.entryTime(header&entryFine != 0)
	into.held = into.held[:0]
	if header&entryHeld != 0 {
		for n := r.count(); n > 0 && r.err == nil; n-- {
			into.held = append(into.held, r.index(len(p.rules)+len(p.clock.places)))
		}
	}
	into.report.Faults = nil
	if header&entryFaults != 0 {
		into.report.Faults = []string{}
		for n := r.count(); n > 0 && r.err == nil; n-- {
			into.report.Faults = append(into.report.Faults, r.text())
		}
	}
	into.report.Readings = into.report.Readings[:0]
	for n := header >> entryFlags; n > 0 && r.err == nil; n-- {
		into.report.Readings = append(into.report.Readings, r.entryReading(p))
	}
	return len(j.log) - len(r.buf), r.err
}

func (r *reader) entryTime(fine bool) int64 {
	at := r.int()
	if !fine {
		if at < math.MinInt64/1000 || at > math.MaxInt64/1000 {
			r.fail()
			return 0
		}
		at *= 1000
	}
	return r.checkTime(at + entryEpoch)
}

func (r *reader) entryReading(p *plan) devices.Reading {
	key := r.uint()
	slot := r.within(key>>entryKinds, len(p.names))
	if r.err != nil {
		return devices.Reading{}
	}
	reading := devices.Reading{Metric: p.names[slot]}
	switch kind := int(key & (1<<entryKinds - 1)); {
	case kind < entryFloat:
		reading.Value = devices.Number(devices.FromDecimal(r.int(), kind))
	case kind == entryFloat:
		reading.Value = devices.Number(math.Float64frombits(r.fixed()))
	case kind == entryLabel:
		reading.Value = devices.Label(r.text())
	default:
		r.fail()
	}
	return reading
}

// mustNext is next for a log that is known to be sound.
func (j *journal) mustNext(p *plan, offset int, into *entry) (after int) {
	after, err := j.next(p, offset, into)
	if err != nil {
		panic("rules: own journal cannot be read")
	}
	return after
}

// index reads a position among n.
func (r *reader) index(n int) int { return r.within(r.uint(), n) }

// within returns i if it is a position among n.
func (r *reader) within(i uint64, n int) int {
	if i >= uint64(n) {
		r.fail()
		return 0
	}
	return int(i)
}
