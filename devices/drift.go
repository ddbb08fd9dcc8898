package devices

import "time"

// Drift is what is measured of one device's clock against ours, from the
// messages in which it says its own time.
//
// A message that says the time o and is received at r shows r - o = offset +
// delay: how far the device's clock is behind ours, plus how long the message
// took. A delay is never negative, so the smallest of many measurements is the
// best, and its error is the smallest delay among them. A mean or a median is
// spoilt as soon as half of the messages were stored while the device was
// offline: of the measurements 3601 s, 1801 s and 1 s of a clock that is right,
// the median is half an hour off, the smallest is one second off.
//
// The smallest of all time would never notice that a clock falls back, so it
// is taken over the present window of an hour and the one before. It follows
// that a clock which jumps ahead is corrected with the next message, and one
// that falls back after two hours at the latest: until then it cannot be told
// from late messages. Corrected by this offset, no report lies after its
// receipt.
//
// The zero value has measured nothing. A Drift is a value; Observe returns the
// next.
type Drift struct {
	Window time.Time     // when the present window began, by our clock
	Low    time.Duration // smallest measurement in it
	Before time.Duration // smallest in the last window before it; Low when there was none
	Since  time.Time     // of the first measurement
	Count  int

	// Applied is the correction: zero until the clock is known, and changed
	// only when it is off by more than five seconds, so that a report which is
	// sent again is moved by the same time and is recognised.
	Applied time.Duration
}

// DriftWindow is how long one window of measurements is.
const DriftWindow = time.Hour

// Measured against these, a clock is known and steadily wrong.
const (
	driftCount     = 3           // messages ...
	driftSpan      = time.Minute // ... over this time
	driftTolerance = 5 * time.Second
)

// Observe takes in one measurement, received minus observed, of a message
// received at at. One from before the present window is late and says nothing
// new.
func (d Drift) Observe(sample time.Duration, at time.Time) Drift {
	switch {
	case d.Count == 0:
		d.Window, d.Low, d.Before, d.Since = at, sample, sample, at
	case at.Before(d.Window):
		return d
	case at.Sub(d.Window) >= DriftWindow:
		d.Window, d.Before, d.Low = at, d.Low, sample
	case sample < d.Low:
		d.Low = sample
	}
	d.Count++
	known := d.Count >= driftCount && at.Sub(d.Since) >= driftSpan
	if offset := d.Offset(); known && (offset-d.Applied).Abs() > driftTolerance {
		d.Applied = offset
	}
	return d
}

// Offset is how far the device's clock is behind ours; negative when it is
// ahead.
func (d Drift) Offset() time.Duration { return min(d.Low, d.Before) }
