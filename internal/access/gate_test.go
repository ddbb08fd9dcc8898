package access_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/argon2"

	"telltale/internal/access"
	"telltale/internal/postgres/pgtest"
)

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

const password = "correct horse battery"

func newGate(t *testing.T) (*access.Gate, *clock) {
	t.Helper()
	c := newClock()
	db := pgtest.New(t)
	if err := db.PutUser(t.Context(), access.User{Login: "ewa", Name: "Ewa Nowak", Role: access.Quality, PasswordHash: cheapHash()}); err != nil {
		t.Fatal(err)
	}
	return access.NewGate(db, access.Options{Now: c.now}), c
}

// cheapHash is of the password, with the smallest parameters that there are:
// to be expensive is what a hash is for, and under the race detector most of
// all. Logging in goes by the parameters of the hash.
func cheapHash() string {
	salt, base := []byte("salt of a test"), base64.RawStdEncoding
	key := argon2.IDKey([]byte(password), salt, 1, 8, 1, 32)
	return "$argon2id$v=19$m=8,t=1,p=1$" + base.EncodeToString(salt) + "$" + base.EncodeToString(key)
}

func login(t *testing.T, g *access.Gate) string {
	t.Helper()
	cookie, err := g.Login(t.Context(), "ewa", password, "192.0.2.1:5000")
	if err != nil {
		t.Fatal(err)
	}
	return cookie
}

func TestASessionIsWhoLoggedIn(t *testing.T) {
	t.Parallel()
	g, _ := newGate(t)
	s, err := g.Session(t.Context(), login(t, g))
	if err != nil {
		t.Fatal(err)
	}
	want := access.Principal{Actor: "ewa", Name: "Ewa Nowak", Role: access.Quality}
	if diff := cmp.Diff(want, s.Principal); diff != "" {
		t.Errorf("principal (-want +got):\n%s", diff)
	}
	if !s.CheckCSRF(s.CSRF) || s.CheckCSRF("") || s.CheckCSRF(s.CSRF+"x") {
		t.Error("CheckCSRF accepts something else than the session's token")
	}
}

func TestWrongCredentialsAreDeniedAlike(t *testing.T) {
	t.Parallel()
	g, _ := newGate(t)
	cases := []struct{ name, login, password string }{
		{"a wrong password", "ewa", "wrong horse battery"},
		{"an unknown login", "eve", password},
		{"an empty password", "ewa", ""},
		{"a password too long to hash", "ewa", strings.Repeat("x", 1<<20)},
		{"a login with a wildcard", "ew%", password},
	}
	for _, c := range cases {
		if _, err := g.Login(t.Context(), c.login, c.password, "192.0.2.7"); !errors.Is(err, access.ErrDenied) {
			t.Errorf("%s: got %v, want ErrDenied", c.name, err)
		}
	}
}

func TestASessionSlidesButNotForEver(t *testing.T) {
	t.Parallel()
	g, c := newGate(t)
	cookie := login(t, g)
	for range 16 { // 16 x 11 h: beyond seven days
		c.move(11 * time.Hour)
		if _, err := g.Session(t.Context(), cookie); err != nil {
			if age := c.now().Sub(newClock().at); age < 7*24*time.Hour {
				t.Fatalf("session in use ended after %v", age)
			}
			return
		}
	}
	t.Error("a session in use never ended")
}

func TestAnIdleSessionEnds(t *testing.T) {
	t.Parallel()
	g, c := newGate(t)
	cookie := login(t, g)
	c.move(12*time.Hour + time.Second)
	if _, err := g.Session(t.Context(), cookie); !errors.Is(err, access.ErrDenied) {
		t.Errorf("got %v, want ErrDenied", err)
	}
}

func TestAPasswordChangeEndsSessions(t *testing.T) {
	t.Parallel()
	g, _ := newGate(t)
	cookie := login(t, g)
	if err := g.AddUser(t.Context(), "ewa", "Ewa Nowak", access.Viewer, "another long password"); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Session(t.Context(), cookie); !errors.Is(err, access.ErrDenied) {
		t.Errorf("got %v, want ErrDenied", err)
	}
}

func TestLogoutEndsTheSessionOnTheServer(t *testing.T) {
	t.Parallel()
	g, _ := newGate(t)
	cookie := login(t, g)
	for range 2 { // logging out twice is fine
		if err := g.Logout(t.Context(), cookie); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := g.Session(t.Context(), cookie); !errors.Is(err, access.ErrDenied) {
		t.Errorf("got %v, want ErrDenied", err)
	}
}

func TestALoginLinkWorksOnceUnderARace(t *testing.T) {
	t.Parallel()
	g, _ := newGate(t)
	secret, err := g.CreateLink(t.Context(), "ewa")
	if err != nil {
		t.Fatal(err)
	}
	var opened atomic.Int32
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			_, err := g.OpenLink(t.Context(), secret, fmt.Sprintf("192.0.2.%d", i))
			switch {
			case err == nil:
				opened.Add(1)
			case !errors.Is(err, access.ErrDenied):
				t.Errorf("got %v, want ErrDenied", err)
			}
		})
	}
	wg.Wait()
	if n := opened.Load(); n != 1 {
		t.Errorf("the link opened %d sessions, want 1", n)
	}
}

func TestALoginLinkExpires(t *testing.T) {
	t.Parallel()
	g, c := newGate(t)
	secret, err := g.CreateLink(t.Context(), "ewa")
	if err != nil {
		t.Fatal(err)
	}
	c.move(10 * time.Minute)
	if _, err := g.OpenLink(t.Context(), secret, "192.0.2.1"); !errors.Is(err, access.ErrDenied) {
		t.Errorf("got %v, want ErrDenied", err)
	}
}

func TestALoginLinkNeedsAUser(t *testing.T) {
	t.Parallel()
	g, _ := newGate(t)
	if _, err := g.CreateLink(t.Context(), "nobody"); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

func TestATokenIsItsNameAndRole(t *testing.T) {
	t.Parallel()
	g, _ := newGate(t)
	secret, err := g.CreateToken(t.Context(), access.Support, "helpdesk")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(secret, "tt_") || len(secret) != len("tt_")+43 {
		t.Errorf("token %q is not tt_ and 256 bits", secret)
	}
	p, err := g.Token(t.Context(), secret)
	want := access.Principal{Actor: "token:helpdesk", Name: "helpdesk", Role: access.Support}
	if diff := cmp.Diff(want, p); diff != "" || err != nil {
		t.Errorf("principal (-want +got), error %v:\n%s", err, diff)
	}
	for _, wrong := range []string{"", "tt_", secret[:len(secret)-1], secret + "A", strings.TrimPrefix(secret, "tt_")} {
		if _, err := g.Token(t.Context(), wrong); !errors.Is(err, access.ErrDenied) {
			t.Errorf("token %q: got %v, want ErrDenied", wrong, err)
		}
	}
	if _, err := g.CreateToken(t.Context(), access.Admin, "helpdesk"); !errors.Is(err, access.ErrExists) {
		t.Errorf("second token of that name: got %v, want ErrExists", err)
	}
}

func TestInvalidUsersAndTokensAreRefused(t *testing.T) {
	t.Parallel()
	g, _ := newGate(t)
	ctx := t.Context()
	cases := []struct {
		name string
		err  error
		want error
	}{
		{"an unknown role", g.AddUser(ctx, "jan", "", "boss", password), access.ErrRole},
		{"a login with a colon, which could pose as a token", g.AddUser(ctx, "token:helpdesk", "", access.Viewer, password), access.ErrInvalid},
		{"an empty login", g.AddUser(ctx, "", "", access.Viewer, password), access.ErrInvalid},
		{"a short password", g.AddUser(ctx, "jan", "", access.Viewer, "too short"), access.ErrInvalid},
	}
	for _, c := range cases {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, c.err, c.want)
		}
	}
}

func TestGuessingIsSlowedDown(t *testing.T) {
	t.Parallel()
	g, c := newGate(t)
	var denied, refused int
	for range 12 {
		_, err := g.Login(t.Context(), "ewa", "guess guess guess", "192.0.2.66")
		switch {
		case errors.Is(err, access.ErrDenied):
			denied++
		case errors.Is(err, access.ErrTooMany):
			refused++
		default:
			t.Fatalf("unexpected %v", err)
		}
	}
	if denied != 5 || refused != 7 {
		t.Errorf("of 12 guesses %d were tried and %d refused, want 5 and 7", denied, refused)
	}
	if _, err := g.Login(t.Context(), "ewa", password, "192.0.2.67"); err != nil {
		t.Errorf("the owner was locked out by a stranger: %v", err)
	}
	c.move(20 * time.Second)
	if _, err := g.Login(t.Context(), "ewa", password, "192.0.2.66"); err != nil {
		t.Errorf("the address never gets another try: %v", err)
	}
}

func TestAnIPv6SubscriberIsOneAddress(t *testing.T) {
	t.Parallel()
	g, _ := newGate(t)
	var refused bool
	for i := range 12 {
		_, err := g.Login(t.Context(), "ewa", "guess guess guess", fmt.Sprintf("[2001:db8::%x]:99", i+1))
		refused = refused || errors.Is(err, access.ErrTooMany)
	}
	if !refused {
		t.Error("one /64 had as many tries as it liked")
	}
}

func TestTheDatabaseHoldsNoSecret(t *testing.T) {
	t.Parallel()
	store := &spy{Store: pgtest.New(t)}
	g := access.NewGate(store, access.Options{})
	if err := g.AddUser(t.Context(), "ewa", "", access.Admin, password); err != nil {
		t.Fatal(err)
	}
	token, err := g.CreateToken(t.Context(), access.Admin, "ci")
	if err != nil {
		t.Fatal(err)
	}
	cookie := login(t, g)
	for _, secret := range []string{password, token, cookie} {
		if strings.Contains(store.seen.String(), secret) {
			t.Errorf("the store was given %q", secret)
		}
	}
	if !strings.HasPrefix(store.hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("password hash %q is not argon2id with OWASP's parameters", store.hash)
	}
}
