package views

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"telltale/tickets/outbox"
)

// ErrTrace says that a text names no position in the log.
var ErrTrace = errors.New("views: not a trace")

// Position is a place in the log, as "p3/10293/17" names it: a partition, the
// sequence of a batch, and a report in the batch. It is the trace of all that
// followed from the report.
type Position struct {
	Partition int
	Seq       uint64
	Report    int // from 0; -1: the batch, whose time alone decided something
}

// ParsePosition reads what a trace says. The error wraps ErrTrace.
func ParsePosition(text string) (Position, error) {
	wrong := fmt.Errorf("%w: %q is not of the form p3/10293/17 (partition, sequence, report)", ErrTrace, text)
	parts := strings.Split(text, "/")
	partition, ok := strings.CutPrefix(parts[0], "p")
	if !ok || len(parts) < 2 || len(parts) > 3 {
		return Position{}, wrong
	}
	p, err := strconv.ParseUint(partition, 10, 16)
	if err != nil {
		return Position{}, wrong
	}
	seq, err := strconv.ParseUint(parts[1], 10, 64)
	if err != nil || seq == 0 {
		return Position{}, wrong
	}
	position := Position{Partition: int(p), Seq: seq, Report: -1}
	if len(parts) == 3 {
		report, err := strconv.ParseUint(parts[2], 10, 31)
		if err != nil {
			return Position{}, wrong
		}
		position.Report = int(report)
	}
	if position.String() != text {
		return Position{}, wrong // zeros in front; only one text names a place
	}
	return position, nil
}

// String is what ParsePosition reads.
func (p Position) String() string {
	s := "p" + strconv.Itoa(p.Partition) + "/" + strconv.FormatUint(p.Seq, 10)
	if p.Report >= 0 {
		s += "/" + strconv.Itoa(p.Report)
	}
	return s
}

// Trace is the way of one message through the gateway, as far as it is kept.
type Trace struct {
	Position Position
	Steps    []Step   // by time
	Notes    []string // what is not known any more, in sentences
}

// ID is the message's id in the form of W3C Trace Context, which webhooks and
// spans carry.
func (t Trace) ID() string { return outbox.TraceID(t.Position.String()) }

// Step is one thing that became of the message.
type Step struct {
	At     time.Time
	Kind   StepKind
	Device string // the links of the step; empty: none
	Alarm  string
	Ticket string
	Text   string
}

// StepKind says where on its way a message was.
type StepKind string

// The steps of a message, in the order of its way.
const (
	StepObserved  StepKind = "observed"  // by the device, by its clock
	StepReceived  StepKind = "received"  // from the device or the broker
	StepStored    StepKind = "stored"    // in the log; acknowledged from then on
	StepAlarm     StepKind = "alarm"     // written down
	StepTicket    StepKind = "ticket"    // a line of its timeline
	StepEvent     StepKind = "event"     // written down, to be delivered
	StepDelivered StepKind = "delivered" // to a destination
	StepWaiting   StepKind = "waiting"   // not delivered yet; since when it was to be
	StepDiscarded StepKind = "discarded" // given up
)
