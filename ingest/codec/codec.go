package codec

import (
	"errors"
	"fmt"
	"time"

	"telltale/devices"
)

// Limits of one message. They are far above what a device has to say about an
// instant, and keep a message, decoded, below a few hundred kilobytes.
const (
	MaxPayload = 256 << 10 // bytes
	MaxReports = 1000      // objects in one array
	MaxValues  = 64        // values in one object
	MaxFaults  = 64        // fault codes in one object
	MaxText    = 64        // bytes of a text value or a fault code
	MaxName    = 128       // bytes of a metric's name
)

// Payload is one message as it came.
type Payload struct {
	Topic      string
	Body       []byte
	ReceivedAt time.Time // by our clock

	// Old says that the message is no news: a broker retained it, or it comes
	// out of quarantine. What is known now may have come after it.
	Old bool
}

// Codec decodes one format. It is safe for concurrent use.
type Codec interface {
	// Decode appends the reports that the payload holds to dst, reusing what
	// lies in its capacity, and returns the longer slice. A report without a
	// time of its own has the payload's ReceivedAt as ObservedAt. Decode keeps
	// no reference to the payload's body. Errors are *PayloadError; after one,
	// the reports behind len(dst) are undefined.
	Decode(dst []devices.Report, p Payload) ([]devices.Report, error)
}

// PayloadError says what is wrong with a payload, and where.
type PayloadError struct {
	Field  string // as in "values.temperature" or "[3].ts"; "" is the payload as a whole
	Offset int64  // byte at which the fault begins, from 0; -1: of no one byte
	Err    error

	// Device is who sent the payload, where a codec knew before it failed; the
	// topic may tell as well, see [Router.Owner].
	Device devices.ID
}

// Error returns a sentence such as
// "values.temperature: must be a number, true, false or a text, not a list (byte 24)".
func (e *PayloadError) Error() string {
	s := e.Err.Error()
	if e.Field != "" {
		s = e.Field + ": " + s
	}
	if e.Offset >= 0 {
		s = fmt.Sprintf("%s (byte %d)", s, e.Offset)
	}
	return s
}

// Unwrap returns the cause.
func (e *PayloadError) Unwrap() error { return e.Err }

// sentBy notes in an error of a codec whose payload it is about.
func sentBy(id devices.ID, err error) error {
	var pe *PayloadError
	if errors.As(err, &pe) {
		pe.Device = id
	}
	return err
}

// extend returns dst with one more report, empty but for the memory that its
// readings held before.
func extend(dst []devices.Report) ([]devices.Report, *devices.Report) {
	if n := len(dst); n < cap(dst) {
		dst = dst[:n+1]
		r := &dst[n]
		*r = devices.Report{Readings: r.Readings[:0]}
		return dst, r
	}
	dst = append(dst, devices.Report{})
	return dst, &dst[len(dst)-1]
}
