package devices

import (
	"errors"
	"time"
)

// ErrUnknown says that no such device is declared.
var ErrUnknown = errors.New("devices: unknown device")

// Query selects devices for a list. Empty fields select all.
type Query struct {
	Customer string // who owns the device now
	Model    string
	Site     string
	Status   string        // as [Presence] says it
	ClockOff time.Duration // only those whose clocks are off by more
	After    ID            // the list goes on behind this id
	Limit    int           // at most so many; zero: all
}

// Summary is a device with what is known of it at one moment.
type Summary struct {
	Device
	Customer  string    // who owns it at that moment; "" nobody
	LastSeen  time.Time // by our clock; zero: never
	Announced Presence  // what it said of itself last; PresenceUnknown: nothing
	SaidAt    time.Time // when it was announced; zero: nothing was

	StaleAfter   time.Duration // of its model; zero: nothing is expected
	OfflineAfter time.Duration // of its model; zero: silence alone never means offline

	Listening Listening
	Clock     ClockOffset
}

// Listening says when devices were listened to. The zero value knows of no
// break.
type Listening struct {
	Since time.Time // without a break until Until
	Until time.Time // what came before it is known; zero: everything is
}

// ClockOffset is how far a device's clock is off, as measured over the last
// hours; see [Drift].
type ClockOffset struct {
	MeasuredAt time.Time     // receipt of the last report that said its time; zero: none did
	Behind     time.Duration // of our clock; negative: ahead
	Applied    time.Duration // what the last report's time was corrected by
}

// Presence is whether the device is connected, as of now: offline when it said
// so, or its last will did; late when it has been quiet for longer than its
// model allows, and then offline; unknown when it was never heard of.
func (s *Summary) Presence(now time.Time) Presence {
	p, _ := s.PresenceSince(now)
	return p
}

// PresenceSince is Presence with the time since when that is so; zero for
// online and unknown. Silence counts only while somebody listened: a gateway
// that was down knows nothing about its devices, so after a break each has its
// full time again, and what is not stored yet is not missing.
func (s *Summary) PresenceSince(now time.Time) (Presence, time.Time) {
	if s.LastSeen.IsZero() {
		return PresenceUnknown, time.Time{}
	}
	if s.Announced == Offline {
		return Offline, s.SaidAt
	}
	if !s.Listening.Until.IsZero() && s.Listening.Until.Before(now) {
		now = s.Listening.Until
	}
	heard := s.LastSeen
	if s.Listening.Since.After(heard) {
		heard = s.Listening.Since
	}
	switch quiet := now.Sub(heard); {
	case s.OfflineAfter > 0 && quiet > s.OfflineAfter:
		return Offline, heard.Add(s.OfflineAfter)
	case s.StaleAfter > 0 && quiet > s.StaleAfter:
		return Late, heard.Add(s.StaleAfter)
	default:
		return Online, time.Time{}
	}
}
