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
	After    ID  // the list goes on behind this id
	Limit    int // at most so many; zero: all
}

// Summary is a device with what is known of it at one moment.
type Summary struct {
	Device
	Customer   string        // who owns it at that moment; "" nobody
	LastSeen   time.Time     // by our clock; zero: never
	Announced  Presence      // what it said of itself last; PresenceUnknown: nothing
	StaleAfter time.Duration // of its model; zero: nothing is expected
}

// Presence is whether the device is connected, as of now: offline when it
// said so, late when it has been quiet for longer than its model allows,
// unknown when it was never heard of.
func (s *Summary) Presence(now time.Time) Presence {
	switch {
	case s.LastSeen.IsZero():
		return PresenceUnknown
	case s.Announced == Offline:
		return Offline
	case s.StaleAfter > 0 && now.Sub(s.LastSeen) > s.StaleAfter:
		return Late
	default:
		return Online
	}
}
