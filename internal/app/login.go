package app

import (
	"context"

	"telltale/devices"
	"telltale/ingest"
	"telltale/internal/postgres"
)

// deviceLogin lets devices into the embedded broker with the password that
// was made for them: user name is the device's id.
type deviceLogin struct{ db *postgres.DB }

// Authenticate is [ingest.Authenticator]'s.
func (l deviceLogin) Authenticate(ctx context.Context, login ingest.Login) (ingest.Access, error) {
	if !devices.ValidID(login.Username) {
		return ingest.Access{}, ingest.ErrDenied
	}
	id := devices.ID(login.Username)
	ok, err := l.db.CheckDevicePassword(ctx, id, []byte(login.Password))
	if err != nil {
		return ingest.Access{}, err
	}
	if !ok {
		return ingest.Access{}, ingest.ErrDenied
	}
	return ingest.Access{Device: id}, nil
}
