package stream

import (
	"strconv"
	"time"

	"telltale/devices"
)

// Batch is what one message of the log carries: reports of one partition, in
// the order they were accepted. A batch without reports is a tick: it only
// says how late it is.
type Batch struct {
	AppendedAt time.Time // our clock; never falls within a partition
	Reports    []devices.Report
}

// IsTick reports whether the batch carries nothing but the time.
func (b *Batch) IsTick() bool { return len(b.Reports) == 0 }

// TraceOf names a place in the log, as "p3/10293/17": the report of that index
// in the batch of that sequence; or the batch, "p3/10293", when report is
// negative. It is the trace of all that follows from it.
func TraceOf(partition int, seq uint64, report int) string {
	trace := "p" + strconv.Itoa(partition) + "/" + strconv.FormatUint(seq, 10)
	if report >= 0 {
		trace += "/" + strconv.Itoa(report)
	}
	return trace
}
