package access

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode"
)

// Store keeps users, tokens, sessions and links. Methods that look something
// up answer [ErrNotFound] when it is not there, has expired by now, was
// revoked or belongs to a disabled user.
type Store interface {
	PutUser(ctx context.Context, u User) error
	UserByLogin(ctx context.Context, login string) (User, error)

	AddToken(ctx context.Context, t Token, hash []byte) error
	TokenByHash(ctx context.Context, hash []byte) (Token, error)

	AddSession(ctx context.Context, s Session, hash []byte) error
	SessionByHash(ctx context.Context, hash []byte, now time.Time) (Session, error)
	ExtendSession(ctx context.Context, hash []byte, until time.Time) error
	RemoveSession(ctx context.Context, hash []byte) error

	AddLoginLink(ctx context.Context, login string, hash []byte, expires time.Time) error
	TakeLoginLink(ctx context.Context, hash []byte, now time.Time) (login string, err error)

	PruneAccess(ctx context.Context, now time.Time) error
}

// Options change how a [Gate] works. The zero value is what production uses.
type Options struct {
	// SessionFor is how long a session lives after its last use. Zero: 12 h.
	SessionFor time.Duration

	// SessionMax is how long a session lives at most. Zero: 7 days.
	SessionMax time.Duration

	// LinkFor is how long a one-time link may be used. Zero: 10 min.
	LinkFor time.Duration

	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

// Gate lets principals in. Safe for concurrent use.
type Gate struct {
	store      Store
	sessionFor time.Duration
	sessionMax time.Duration
	linkFor    time.Duration
	now        func() time.Time

	hasher *hasher

	// Attempts are limited per address, per login from one address, and per
	// login from anywhere. The last is generous: it stops a distributed guess
	// without letting a stranger lock somebody out with a handful of tries.
	byAddress *limiter
	byPair    *limiter
	byLogin   *limiter
}

// NewGate returns a gate to the principals in store.
func NewGate(store Store, opts Options) *Gate {
	now := opts.Now
	if now == nil {
		now = time.Now
	}
	const remembered = 20_000 // keys; about 4 MB when full
	return &Gate{
		store:      store,
		sessionFor: cmp.Or(opts.SessionFor, 12*time.Hour),
		sessionMax: cmp.Or(opts.SessionMax, 7*24*time.Hour),
		linkFor:    cmp.Or(opts.LinkFor, 10*time.Minute),
		now:        now,
		hasher:     newHasher(),
		byAddress:  newLimiter(3*time.Second, 20, remembered),
		byPair:     newLimiter(15*time.Second, 5, remembered),
		byLogin:    newLimiter(2*time.Second, 60, remembered),
	}
}

// AddUser makes a user, or gives an existing one a new name, role and
// password and ends their sessions. The login may not contain spaces or
// colons; the password has 10 to 256 characters.
func (g *Gate) AddUser(ctx context.Context, login, name string, role Role, password string) error {
	if _, err := ParseRole(string(role)); err != nil {
		return err
	}
	if !validName(login) {
		return fmt.Errorf("%w login %q: use 1 to 64 letters, digits and . _ @ -", ErrInvalid, login)
	}
	hash, err := g.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	if err := g.store.PutUser(ctx, User{Login: login, Name: name, Role: role, PasswordHash: hash}); err != nil {
		return fmt.Errorf("store user %s: %w", login, err)
	}
	return nil
}

// CreateToken makes a token for programs and returns its secret, which cannot
// be had again. The name must be new; [ErrExists] says that it is not.
func (g *Gate) CreateToken(ctx context.Context, role Role, name string) (secret string, err error) {
	if _, err := ParseRole(string(role)); err != nil {
		return "", err
	}
	if !validName(name) {
		return "", fmt.Errorf("%w token name %q: use 1 to 64 letters, digits and . _ @ -", ErrInvalid, name)
	}
	secret = tokenPrefix + newSecret()
	t := Token{Name: name, Role: role, CreatedAt: g.now()}
	if err := g.store.AddToken(ctx, t, digest(secret)); err != nil {
		return "", fmt.Errorf("store token %s: %w", name, err)
	}
	return secret, nil
}

// Token returns who carries the bearer token, or [ErrDenied].
func (g *Gate) Token(ctx context.Context, secret string) (Principal, error) {
	if !plausible(secret, tokenPrefix) {
		return Principal{}, ErrDenied
	}
	t, err := g.store.TokenByHash(ctx, digest(secret))
	if err != nil {
		return Principal{}, denied("look up token", err)
	}
	return Principal{Actor: "token:" + t.Name, Name: t.Name, Role: t.Role}, nil
}

// Login checks a password and opens a session. Address is where the attempt
// comes from; an IPv6 one is counted by its /64, which is what one subscriber
// has. Errors: [ErrDenied], [ErrTooMany], [ErrBusy].
func (g *Gate) Login(ctx context.Context, login, password, address string) (cookie string, err error) {
	now, from := g.now(), network(address)
	// The strictest limit that belongs to the attacker alone comes first, so
	// that refused attempts do not use up the login's common allowance.
	if !g.byAddress.allow(from, now) || !g.byPair.allow(from+" "+login, now) || !g.byLogin.allow(login, now) {
		return "", ErrTooMany
	}
	user, err := g.store.UserByLogin(ctx, login)
	known := err == nil
	if !known {
		if !errors.Is(err, ErrNotFound) {
			return "", fmt.Errorf("look up user: %w", err)
		}
		user.PasswordHash = g.hasher.decoy // unknown logins take as long
	}
	ok, err := g.hasher.verify(ctx, password, user.PasswordHash)
	if err != nil {
		return "", err
	}
	if !ok || !known {
		return "", ErrDenied
	}
	return g.open(ctx, user)
}

// CreateLink makes a link that logs the user in once and returns its secret.
func (g *Gate) CreateLink(ctx context.Context, login string) (secret string, err error) {
	secret = newSecret()
	if err := g.store.AddLoginLink(ctx, login, digest(secret), g.now().Add(g.linkFor)); err != nil {
		return "", fmt.Errorf("store login link for %s: %w", login, err)
	}
	return secret, nil
}

// OpenLink uses a one-time link up and opens a session. Of any number of
// concurrent uses one succeeds; the others get [ErrDenied].
func (g *Gate) OpenLink(ctx context.Context, secret, address string) (cookie string, err error) {
	if !g.byAddress.allow(network(address), g.now()) {
		return "", ErrTooMany
	}
	if !plausible(secret, "") {
		return "", ErrDenied
	}
	login, err := g.store.TakeLoginLink(ctx, digest(secret), g.now())
	if err != nil {
		return "", denied("take login link", err)
	}
	user, err := g.store.UserByLogin(ctx, login)
	if err != nil {
		return "", denied("look up user", err)
	}
	return g.open(ctx, user)
}

// denied hides why a credential was refused, but not that the store failed.
func denied(doing string, err error) error {
	if errors.Is(err, ErrNotFound) {
		return ErrDenied
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// validName reports whether s may be a login or a token's name.
func validName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, c := range s {
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune("._@-", c) {
			return false
		}
	}
	return true
}

// network is the part of an address that one subscriber controls.
func network(address string) string {
	host := address
	if ap, err := netip.ParseAddrPort(address); err == nil {
		host = ap.Addr().String()
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.String()
		}
	}
	return addr.String()
}
