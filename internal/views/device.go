package views

import (
	"time"

	"telltale/devices"
)

// DeviceQuery selects devices. Empty fields select all.
type DeviceQuery struct {
	Text    string // part of the id, serial, site or owner's name, any case
	Model   string
	Owner   string // customer who owns it now
	Alarmed bool   // only those with an active alarm

	Presence string        // as [devices.Presence] says it
	ClockOff time.Duration // only those whose clocks are off by more

	After string // cursor of the page before
	Limit int    // zero: DefaultLimit
}

// DeviceRow is one device with what is known of it now, ordered by id.
type DeviceRow struct {
	devices.Summary

	CustomerName string // of who owns it now; "" nobody
	Values       map[string]devices.Value
	Faults       []string // codes present in its last report
	ActiveAlarms int64
}

// Fleet counts the declared devices by presence.
type Fleet struct {
	Online, Late, Offline, Unknown int64

	ClockOff int64 // of them, clocks off by more than [ClockOff]
}

// ClockOff is how far a clock may be off without being listed for it.
const ClockOff = time.Minute

// Declared is how many devices there are.
func (f Fleet) Declared() int64 { return f.Online + f.Late + f.Offline + f.Unknown }

// OwnerSpan says whose a device was, and when.
type OwnerSpan struct {
	CustomerID   string
	CustomerName string
	From         time.Time
	Until        time.Time // zero: still
}
