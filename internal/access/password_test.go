package access

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestAHashVerifiesItsPasswordOnly(t *testing.T) {
	t.Parallel()
	h := newHasher()
	encoded, err := h.hash(t.Context(), "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]bool{"correct horse battery": true, "correct horse batterz": false, "": false} {
		if got, err := h.verify(t.Context(), password, encoded); got != want || err != nil {
			t.Errorf("verify(%q) = %v, %v", password, got, err)
		}
	}
	if got, err := h.verify(t.Context(), "", h.decoy); got || err != nil {
		t.Errorf("the decoy: %v, %v", got, err)
	}
}

func TestADoctoredHashIsRefusedBeforeItCosts(t *testing.T) {
	t.Parallel()
	const salt, key = "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for _, encoded := range []string{
		"", "$", "plain", "$2b$12$abcdefghijklmnopqrstuv",
		"$argon2i$v=19$m=19456,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=16$m=19456,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=4294967295,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=19456,t=4000000000,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=19456,t=0,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=19456,t=2,p=0$" + salt + "$" + key,
		"$argon2id$v=19$m=19456,t=2,p=1$!$" + key,
		"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$",
	} {
		if _, err := newHasher().verify(t.Context(), "anything", encoded); !errors.Is(err, errPHC) {
			t.Errorf("%q: got %v, want errPHC", encoded, err)
		}
	}
}

func TestAtMostTwoPasswordsAreHashedAtOnce(t *testing.T) {
	t.Parallel()
	h := newHasher()
	h.slots <- struct{}{}
	h.slots <- struct{}{} // as if two were being computed

	ctx, cancel := context.WithCancel(t.Context())
	var done atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := h.hash(ctx, "correct horse battery"); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled", err)
			}
			done.Add(1)
		})
	}
	if n := done.Load(); n != 0 {
		t.Errorf("%d hashes did not wait for their turn", n)
	}
	cancel()
	wg.Wait()
}

func TestALimiterForgetsTheQuietAndNeverTheBusy(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	l := newLimiter(time.Minute, 2, 2)
	l.allow("a", now)
	l.allow("a", now)
	l.allow("b", now)
	if l.allow("c", now) {
		t.Error("a third key pushed out one that still counts")
	}
	later := now.Add(time.Minute) // b has its allowance back, a has not
	if !l.allow("c", later) {
		t.Error("a quiet key was not forgotten")
	}
	first, second := l.allow("a", later), l.allow("a", later)
	if first && second {
		t.Error("a busy key was forgotten")
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2id$v=19$m=1,t=1,p=255$$")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePHC(s)
		if err == nil && (p.memory > maxArgonMemory || p.time > maxArgonTime || len(p.key) > 64) {
			t.Errorf("%q was accepted with unbounded cost", s)
		}
	})
}
