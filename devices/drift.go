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
// is taken over the present window of an hour and the one before.
//
// A small measurement proves something: the clock is not further behind than
// that. A large one proves nothing, for it may be a message that was stored
// for long, and of a device that hands over a backlog every message is one.
// What tells them apart is that a wrong clock is wrong by the same amount each
// time, while a backlog is worked off: each of its messages is less late than
// the one before. So a clock counts as behind only when several messages, over
// a minute, agree with the smallest measurement. It follows that a clock which
// jumps ahead is corrected with the next message, and one that falls back
// after two hours and a minute at the latest: until then it cannot be told from
// late messages. A device that is always late by the same amount, and never in
// time, cannot be told from one whose clock is behind. Corrected by the
// offset, no report lies after its receipt.
//
// The zero value has measured nothing. A Drift is a value; Observe returns the
// next.
type Drift struct {
	Window time.Time     // when the present window began, by our clock
	Low    time.Duration // smallest measurement in it
	Before time.Duration // smallest in the last window before it; Low when there was none
	Since  time.Time     // of the first measurement
	Count  int

	Anchor      time.Duration // the smallest measurement, when it last changed by more than the tolerance
	Agreed      int           // messages that agree with it
	AgreedSince time.Time     // receipt of the first of them
	Steady      bool          // there are enough of them: the offset is the clock's own

	// Applied is the correction: zero until the clock is known, and changed
	// only when it is off by more than five seconds, so that a report which is
	// sent again is moved by the same time and is recognised.
	Applied time.Duration
}

// driftWindow is how long one window of measurements is.
const driftWindow = time.Hour

// Measured against these, a clock is known and steadily wrong.
const (
	driftCount     = 3           // messages ...
	driftSpan      = time.Minute // ... over this time
	driftTolerance = 5 * time.Second
)

// neverStored is further back than any device stores readings: a message that
// old is of a clock which lost its time, and says 1970 or 1980.
const neverStored = 20 * 365 * 24 * time.Hour

// Observe takes in one measurement, received minus observed, of a message
// received at at: of a message with several reports that of the newest. One
// from before the present window is late and says nothing new.
func (d Drift) Observe(sample time.Duration, at time.Time) Drift {
	switch {
	case d.Count == 0:
		d.Window, d.Low, d.Before, d.Since = at, sample, sample, at
	case at.Before(d.Window):
		return d
	case at.Sub(d.Window) >= driftWindow:
		d.Window, d.Before, d.Low = at, d.Low, sample
	case sample < d.Low:
		d.Low = sample
	}
	d.Count++
	d = d.agree(sample, at)
	known := d.Count >= driftCount && at.Sub(d.Since) >= driftSpan
	switch offset := d.Offset(); {
	case !known:
	case offset < d.Applied-driftTolerance: // proven, see above
		d.Applied = offset
	case offset > d.Applied+driftTolerance && d.Steady:
		d.Applied = offset
	}
	return d
}

// agree counts the messages that agree on the offset. They are compared with
// what it was at first: against the smallest so far a backlog whose messages
// are each a little less late would agree with itself.
func (d Drift) agree(sample time.Duration, at time.Time) Drift {
	if d.Agreed == 0 || (d.Offset()-d.Anchor).Abs() > driftTolerance {
		d.Anchor, d.Agreed, d.AgreedSince, d.Steady = d.Offset(), 1, at, false
		return d
	}
	if (sample - d.Anchor).Abs() <= driftTolerance {
		d.Agreed++
		d.Steady = d.Steady || d.Agreed >= driftCount && at.Sub(d.AgreedSince) >= driftSpan
	}
	return d
}

// Offset is the smallest measurement: the device's clock is not further behind
// ours than that; negative when it is ahead.
func (d Drift) Offset() time.Duration { return min(d.Low, d.Before) }

// Behind is how far the device's clock is behind ours as far as that is known:
// negative when it is ahead, zero while nothing tells it from a clock that is
// right and messages that are late.
func (d Drift) Behind() time.Duration {
	offset := d.Offset()
	if d.Steady || offset > neverStored {
		return offset
	}
	return min(offset, 0)
}
