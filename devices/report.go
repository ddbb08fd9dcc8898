package devices

import (
	"strconv"
	"time"
)

// Report is everything a device said about one instant.
type Report struct {
	Device     ID
	ObservedAt time.Time // by the device's clock; ReceivedAt when it sent none
	ReceivedAt time.Time // by our clock
	DeviceTime time.Time // what the device's clock said, where ObservedAt was corrected; else zero
	Seq        uint64    // the device's own counter; 0 when it sends none
	Readings   []Reading

	// Units are the units of the readings, one for each, as UCUM codes or
	// spellings that [UnitCode] knows; "" is the unit that the device's model
	// declares. Nil means that all are. The ingest pipeline converts, so
	// behind it this is nil.
	Units []string

	// Faults are the codes present at ObservedAt. Nil means that the device
	// said nothing about faults; empty means that it said there are none.
	Faults []string

	Presence Presence // set by status topics and last wills only
}

// Reading is one value of one metric, at its report's time.
type Reading struct {
	Metric string
	Value  Value
}

// Value is a number or a short label. Booleans are the numbers 1 and 0.
type Value struct {
	Number float64
	Label  string // not empty: the value is this label, not Number
}

// Number returns a numeric value.
func Number(f float64) Value { return Value{Number: f} }

// Label returns a textual value. The empty string has no value of its own in
// telemetry; callers leave such a reading out.
func Label(s string) Value { return Value{Label: s} }

// IsLabel reports whether v is text.
func (v Value) IsLabel() bool { return v.Label != "" }

// String prints v as a person would write it: "4.2", "defrost".
func (v Value) String() string {
	if v.IsLabel() {
		return v.Label
	}
	return strconv.FormatFloat(v.Number, 'f', -1, 64)
}

// Presence is whether a device is connected, as far as anybody said so.
type Presence uint8

// Presence values. PresenceUnknown is what a report without a status carries.
const (
	PresenceUnknown Presence = iota
	Online
	Late // expected to have reported by now, and has not
	Offline
)

// String returns the word used in the API.
func (p Presence) String() string {
	switch p {
	case Online:
		return "online"
	case Late:
		return "late"
	case Offline:
		return "offline"
	default:
		return "unknown"
	}
}
