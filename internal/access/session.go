package access

import (
	"context"
	"crypto/subtle"
	"fmt"
	"time"
)

// slide is how much of a session's life must have passed before its expiry is
// moved: a write per request would cost more than it tells.
const slide = 10 * time.Minute

// open makes a new session for the user. It never takes over an identifier
// that the browser brought along, so a planted cookie is worth nothing.
func (g *Gate) open(ctx context.Context, user User) (cookie string, err error) {
	now := g.now()
	cookie = newSecret()
	s := Session{
		Principal: user.principal(),
		CSRF:      newSecret(),
		CreatedAt: now,
		ExpiresAt: now.Add(g.sessionFor),
	}
	if err := g.store.AddSession(ctx, s, digest(cookie)); err != nil {
		return "", fmt.Errorf("store session: %w", err)
	}
	return cookie, nil
}

// Session returns the session of a cookie, or [ErrDenied], and keeps it alive.
// Name and role are the user's present ones.
func (g *Gate) Session(ctx context.Context, cookie string) (Session, error) {
	if !plausible(cookie, "") {
		return Session{}, ErrDenied
	}
	now, hash := g.now(), digest(cookie)
	s, err := g.store.SessionByHash(ctx, hash, now)
	if err != nil {
		return Session{}, denied("look up session", err)
	}
	until := g.expiry(s.CreatedAt, now)
	if until.Sub(s.ExpiresAt) < slide {
		return s, nil
	}
	if err := g.store.ExtendSession(ctx, hash, until); err != nil {
		return Session{}, fmt.Errorf("extend session: %w", err)
	}
	s.ExpiresAt = until
	return s, nil
}

// expiry is when a session used now ends if it is not used again.
func (g *Gate) expiry(created, now time.Time) time.Time {
	sliding, last := now.Add(g.sessionFor), created.Add(g.sessionMax)
	if last.Before(sliding) {
		return last
	}
	return sliding
}

// Logout ends the session of a cookie. Ending one that does not exist is fine.
func (g *Gate) Logout(ctx context.Context, cookie string) error {
	if err := g.store.RemoveSession(ctx, digest(cookie)); err != nil {
		return fmt.Errorf("remove session: %w", err)
	}
	return nil
}

// Prune forgets sessions and links that have expired.
func (g *Gate) Prune(ctx context.Context) error { return g.store.PruneAccess(ctx, g.now()) }

// CheckCSRF reports whether token is the session's. The comparison takes the
// same time wherever the two differ.
func (s Session) CheckCSRF(token string) bool {
	return s.CSRF != "" && subtle.ConstantTimeCompare([]byte(s.CSRF), []byte(token)) == 1
}
