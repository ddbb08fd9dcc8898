package stream

import (
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
