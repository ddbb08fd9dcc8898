package devices

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// ID names a device. It is the id that the device publishes under, so it is
// restricted to what is safe as one or more MQTT topic levels; see [ValidID].
type ID string

// maxIDLength bounds an id; it keeps keys small and is far above any serial
// number or DevEUI.
const maxIDLength = 128

// ValidID reports whether s may name a device: at most 128 characters, in one
// or more names with a slash between, each of letters, digits and "._:-". The
// slash is for devices behind others, such as Sparkplug's "group/node/device".
func ValidID(s string) bool {
	if len(s) > maxIDLength {
		return false
	}
	for {
		name, rest, more := strings.Cut(s, "/")
		if !ValidName(name) {
			return false
		}
		if !more {
			return true
		}
		s = rest
	}
}

// ValidName reports whether s may name anything that is declared: it is a
// [ValidID] without a slash, so it is one level of a topic or a URL as it is.
func ValidName(s string) bool {
	if s == "" || len(s) > maxIDLength {
		return false
	}
	for i := range len(s) {
		c := s[i]
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			c == '.' || c == '_' || c == ':' || c == '-'
		if !ok {
			return false
		}
	}
	return true
}

// Device is one appliance, sensor or logger.
type Device struct {
	ID      ID
	Model   string // Model.ID
	Serial  string
	Site    string
	Gateway ID          // the device it is behind; "": none that is declared
	Owners  []Ownership // ascending by From, not overlapping
	Tags    map[string]string
}

// Ownership says that a customer owned a device during [From, Until).
type Ownership struct {
	Customer string
	From     time.Time
	Until    time.Time // zero: still
}

// OwnerAt returns the customer who owned the device at t, and false when
// nobody did. Tickets are addressed by it as of the fault, so a moved or
// resold device never shows one customer's data to another.
func (d *Device) OwnerAt(t time.Time) (customer string, ok bool) {
	for _, o := range slices.Backward(d.Owners) {
		if !o.From.After(t) && (o.Until.IsZero() || t.Before(o.Until)) {
			return o.Customer, true
		}
	}
	return "", false
}

// SortOwners brings owners into the order that [Device.Owners] promises and
// closes each open-ended range at the start of the next.
func SortOwners(owners []Ownership) {
	slices.SortStableFunc(owners, func(a, b Ownership) int { return a.From.Compare(b.From) })
	for i := range len(owners) - 1 {
		next := owners[i+1].From
		if owners[i].Until.IsZero() || owners[i].Until.After(next) {
			owners[i].Until = next
		}
	}
}

// Compare orders devices by id.
func Compare(a, b *Device) int { return cmp.Compare(a.ID, b.ID) }
