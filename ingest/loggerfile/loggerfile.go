package loggerfile

import (
	"fmt"
	"io"
	"iter"
	"time"

	"telltale/devices"
)

// MaxLine is the longest line that is read, in bytes.
const MaxLine = 64 << 10

// Format names a kind of file.
type Format string

// Formats.
const (
	CSV       Format = "csv"
	FridgeTag Format = "fridgetag"
)

// Formats lists them all.
func Formats() []Format { return []Format{CSV, FridgeTag} }

// Entry is one thing that a file says: a reading, or an alarm of the logger.
type Entry struct {
	Line   int // from 1
	Device devices.ID

	// The reading. Unit is a UCUM code; "": the model's own.
	At     time.Time
	Metric string
	Value  devices.Value
	Unit   string

	Alarm *Alarm // not nil: the entry is this, and no reading
}

// Alarm is what a logger noted by its own rule on one day. It is evidence
// beside the readings, of which a logger keeps only a few per day.
type Alarm struct {
	From, Until time.Time // the day, or what of it the report covers
	Kind        string    // "above", "below" or "sensor_timeout"
	Limit       float64   // degrees Celsius; of "above" and "below"
	Allowed     time.Duration
	Total       time.Duration // how long beyond the limit, on that day
	RaisedAt    time.Time     // zero: not that day, or not said
	Text        string        // the lines as they stand
}

// LineError is what is wrong with one line.
type LineError struct {
	Line int
	Err  error
}

// Error returns "line 7: ...".
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns what is wrong.
func (e *LineError) Unwrap() error { return e.Err }

// Read yields what a file says, in its order. device is whose readings they
// are: of a CSV without a column for it, and of a Fridge-tag instead of its
// serial number; "" else. A [*LineError] concerns its line alone; after any
// other error nothing follows.
func Read(format Format, r io.Reader, device devices.ID) iter.Seq2[Entry, error] {
	switch format {
	case CSV:
		return readCSV(r, device)
	case FridgeTag:
		return readFridgeTag(r, device)
	default:
		return func(yield func(Entry, error) bool) {
			yield(Entry{}, fmt.Errorf("unknown format %q (one of %v)", format, Formats()))
		}
	}
}
