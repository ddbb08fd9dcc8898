package access

import "errors"

// Errors that callers tell apart. Anything else is trouble with the store.
var (
	// ErrDenied answers every credential that is wrong, expired, revoked or
	// unknown. It does not say which, so that nobody can probe.
	ErrDenied = errors.New("access: denied")

	// ErrTooMany answers login attempts above the limit.
	ErrTooMany = errors.New("access: too many attempts")

	// ErrBusy answers a login that waited too long for its turn to be hashed.
	ErrBusy = errors.New("access: too many logins at once")

	// ErrNotFound is what a [Store] answers when there is no such row.
	ErrNotFound = errors.New("access: not found")

	// ErrExists answers a token whose name is taken.
	ErrExists = errors.New("access: already exists")

	// ErrRole answers a role that does not exist.
	ErrRole = errors.New("access: unknown role")

	// ErrInvalid answers a login, name or password that cannot be used.
	ErrInvalid = errors.New("access: invalid")
)
