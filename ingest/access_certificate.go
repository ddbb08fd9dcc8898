package ingest

import (
	"context"
	"fmt"
	"slices"

	"telltale/devices"
)

// Certified lets a client with a certificate in as the device that the
// certificate names, whether the device is declared or not: its authority
// vouches for it. Otherwise is asked about clients without one.
type Certified struct{ Otherwise Authenticator }

// Authenticate implements [Authenticator]. The names of a certificate are its
// common name and its DNS names. With a user name, that must be one of them;
// without, the common name is the device, or else the only DNS name.
func (a Certified) Authenticate(ctx context.Context, login Login) (Access, error) {
	if login.Certificate == nil {
		return a.Otherwise.Authenticate(ctx, login)
	}
	names := login.Certificate.DNSNames
	if cn := login.Certificate.Subject.CommonName; cn != "" {
		names = append([]string{cn}, names...)
	}
	name := login.Username
	switch {
	case name != "" && !slices.Contains(names, name):
		return Access{}, fmt.Errorf("%w: user name %q is not among the names of the certificate, %q", ErrDenied, name, names)
	case name == "" && len(names) == 0:
		return Access{}, fmt.Errorf("%w: certificate names no device", ErrDenied)
	case name == "" && len(names) > 1 && login.Certificate.Subject.CommonName == "":
		return Access{}, fmt.Errorf("%w: certificate has the names %q, and no user name says which", ErrDenied, names)
	case name == "":
		name = names[0]
	}
	if !devices.ValidID(name) {
		return Access{}, fmt.Errorf("%w: %q on the certificate is no device id", ErrDenied, name)
	}
	return Access{Device: devices.ID(name)}, nil
}
