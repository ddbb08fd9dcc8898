package ingest

import (
	"context"
	"crypto/x509"
	"errors"
	"strings"

	"telltale/devices"
)

// ErrDenied says that a login is wrong. Whoever presents it learns no more.
var ErrDenied = errors.New("ingest: login denied")

// Login is what an MQTT client presents when it connects. A device's username
// is its id.
type Login struct {
	ClientID string
	Username string // "" when it presents none
	Password string

	// Secure says that the client came to the TLS address. Certificate is what
	// it presented there, verified; nil: none.
	Secure      bool
	Certificate *x509.Certificate
}

// Access is what a client may do at the embedded broker.
type Access struct {
	// Device may publish under telltale/{Device}/ and subscribe to its own
	// commands.
	Device devices.ID

	// Anywhere lets the client publish and subscribe everywhere; Device is
	// ignored then.
	Anywhere bool
}

// Authenticator decides who may connect to the embedded broker. Authenticate
// returns ErrDenied for a wrong login; any other error says that the question
// could not be answered, and the client may try again. It is called by many
// goroutines at once.
type Authenticator interface {
	Authenticate(ctx context.Context, login Login) (Access, error)
}

// Anonymous lets clients without a username do everything, as is right on a
// loopback address, and asks Otherwise, if there is one, about the others and
// about those that came to the TLS address.
type Anonymous struct{ Otherwise Authenticator }

// Authenticate implements [Authenticator].
func (a Anonymous) Authenticate(ctx context.Context, login Login) (Access, error) {
	switch {
	case login.Username == "" && !login.Secure:
		return Access{Anywhere: true}, nil
	case a.Otherwise == nil:
		return Access{}, ErrDenied
	default:
		return a.Otherwise.Authenticate(ctx, login)
	}
}

// MayPublish reports whether the client may publish to a topic. Topics that
// begin with "$" are the broker's own.
func (a Access) MayPublish(topic string) bool {
	if strings.HasPrefix(topic, "$") {
		return false
	}
	if a.Anywhere {
		return true
	}
	rest, ok := a.below(topic)
	// telltale/a/b/command is for the device a/b, if there is one.
	return ok && rest != "" && rest != "command" && !strings.HasSuffix(rest, "/command") || a.edgeMayPublish(topic)
}

// MayRead reports whether the client may subscribe to a filter, or be sent a
// message of a topic.
func (a Access) MayRead(filter string) bool {
	if a.Anywhere {
		return !strings.HasPrefix(filter, "$") || strings.HasPrefix(filter, "$share/")
	}
	rest, ok := a.below(filter)
	return ok && rest == "command" || a.edgeMayRead(filter)
}

// below cuts "telltale/{device}/" off a topic.
func (a Access) below(topic string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(topic, "telltale/")
	if !ok || a.Device == "" {
		return "", false
	}
	rest, ok = strings.CutPrefix(rest, string(a.Device))
	if !ok {
		return "", false
	}
	return strings.CutPrefix(rest, "/")
}
