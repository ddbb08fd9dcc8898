package ingest

import (
	"cmp"
	"fmt"
	"sync"
	"time"

	"telltale/devices"
)

// ClockPolicy says what becomes of the times that devices of a source send.
type ClockPolicy string

// Clock policies.
const (
	TrustClock   ClockPolicy = "trust"   // taken as sent; impossible ones go to quarantine
	ReceiptClock ClockPolicy = "receipt" // the newest report of a message counts as made when it was received
	OffsetClock  ClockPolicy = "offset"  // corrected by the offset measured for the device, see [devices.Drift]
)

// ClockPolicies lists them all.
func ClockPolicies() []ClockPolicy { return []ClockPolicy{TrustClock, ReceiptClock, OffsetClock} }

// defaultMaxAhead is how far a device's clock may run ahead of ours.
const defaultMaxAhead = 10 * time.Minute

// earliest is the first time that a device can have observed anything: clocks
// that have lost it say 1970 or 1980.
func earliest() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

// Clock says how a source's times are treated. The zero value trusts what is
// possible.
type Clock struct {
	Policy ClockPolicy // "": TrustClock

	// MaxAhead is how far a time may lie after its receipt to be believed.
	// Zero: 10 minutes.
	MaxAhead time.Duration

	// MaxBehind is how far a time may lie before its receipt to be believed.
	// Zero: any time since 2000, for devices store readings while they are
	// offline.
	MaxBehind time.Duration
}

// believes reports whether a report's time, corrected already where the policy
// says so, is possible.
func (c Clock) believes(r *devices.Report) bool {
	return !r.ObservedAt.Before(earliest()) &&
		!r.ObservedAt.After(r.ReceivedAt.Add(cmp.Or(c.MaxAhead, defaultMaxAhead))) &&
		(c.MaxBehind == 0 || !r.ObservedAt.Before(r.ReceivedAt.Add(-c.MaxBehind)))
}

// describe says what is wrong with a time that is not believed.
func (c Clock) describe(r *devices.Report) string {
	says := fmt.Sprintf("device %s says it is %s", r.Device, clockText(deviceTime(r)))
	if !r.DeviceTime.IsZero() {
		says += fmt.Sprintf(", corrected to %s", clockText(r.ObservedAt))
	}
	received := clockText(r.ReceivedAt)
	switch {
	case r.ObservedAt.Before(earliest()):
		return says + ", before 2000"
	case r.ObservedAt.Before(r.ReceivedAt):
		return fmt.Sprintf("%s, %s behind the time of receipt %s; at most %s is believed", says,
			apart(r.ReceivedAt, r.ObservedAt), received, devices.Span(c.MaxBehind))
	default:
		return fmt.Sprintf("%s, %s ahead of the time of receipt %s; at most %s is believed", says,
			apart(r.ObservedAt, r.ReceivedAt), received, devices.Span(cmp.Or(c.MaxAhead, defaultMaxAhead)))
	}
}

// clockText prints a time for a sentence.
func clockText(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// apart says how much later one time is than another, in days where it is more
// than one: a Duration ends at 292 years.
func apart(later, earlier time.Time) string {
	if days := (later.Unix() - earlier.Unix()) / (24 * 60 * 60); days > 0 {
		return fmt.Sprintf("%d days", days)
	}
	return devices.Span(later.Sub(earlier))
}

// dated reports whether a report says its own time.
func dated(r *devices.Report) bool { return !deviceTime(r).Equal(r.ReceivedAt) }

// deviceTime is a report's time by the device's clock.
func deviceTime(r *devices.Report) time.Time {
	if r.DeviceTime.IsZero() {
		return r.ObservedAt
	}
	return r.DeviceTime
}

// correct moves the times of one message's reports as the policy says and
// keeps what the device said in DeviceTime. Reports that a device sent
// together keep their distances: its clock may be wrong, but it ticks.
func (c Clock) correct(reports []devices.Report, drifts *drifts, declared func(devices.ID) bool) {
	if c.Policy != ReceiptClock && c.Policy != OffsetClock {
		return
	}
	newest := make(map[devices.ID]time.Time)
	for i := range reports {
		if r := &reports[i]; dated(r) && r.ObservedAt.After(newest[r.Device]) {
			newest[r.Device] = r.ObservedAt
		}
	}
	shifts := make(map[devices.ID]time.Duration, len(newest))
	for id, at := range newest {
		sample := reports[0].ReceivedAt.Sub(at)
		switch {
		case c.Policy == ReceiptClock:
			shifts[id] = sample
		case declared(id): // of strangers nothing is kept, they may be many
			shifts[id] = drifts.observe(id, sample, reports[0].ReceivedAt)
		}
	}
	for i := range reports {
		if r := &reports[i]; dated(r) && shifts[r.Device] != 0 {
			r.DeviceTime, r.ObservedAt = r.ObservedAt, r.ObservedAt.Add(shifts[r.Device])
		}
	}
}

// drifts are what is measured of each device's clock. Safe for concurrent use.
type drifts struct {
	mu  sync.Mutex
	all map[devices.ID]devices.Drift
}

// observe takes a measurement in and returns by how much to correct.
func (d *drifts) observe(id devices.ID, sample time.Duration, at time.Time) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := d.all[id].Observe(sample, at)
	d.all[id] = next
	return next.Applied
}
