package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"
)

// Parameters of argon2id: OWASP Password Storage Cheat Sheet, second
// recommended set (m=19 MiB, t=2, p=1).
const (
	argonMemory  = 19 * 1024 // KiB
	argonTime    = 2
	argonThreads = 1
	argonSalt    = 16
	argonKey     = 32
)

// Bounds on parameters read back from the store, so that a doctored row
// cannot make the server allocate without end.
const (
	maxArgonMemory = 256 * 1024 // KiB
	maxArgonTime   = 16
)

// Bounds on a password. Below the lower one it can be guessed (NIST SP
// 800-63B asks for eight and favours length over kinds of characters); above
// the upper one it is an attack.
const (
	minPassword = 10
	maxPassword = 256
)

// hashers bounds concurrent argon2 computations: two of them hold 38 MiB.
const hashers = 2

// hashWait is how long a login may wait for its turn.
const hashWait = 3 * time.Second

// hasher computes argon2id hashes, a few at a time. Safe for concurrent use.
type hasher struct {
	slots chan struct{}
	decoy string // verified against when there is no such user
}

func newHasher() *hasher {
	return &hasher{
		slots: make(chan struct{}, hashers),
		decoy: encodePHC(make([]byte, argonSalt), make([]byte, argonKey)),
	}
}

// hash returns the PHC string of a password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	if n := len(password); n < minPassword || n > maxPassword {
		return "", fmt.Errorf("%w password: use %d to %d characters", ErrInvalid, minPassword, maxPassword)
	}
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	key, err := h.derive(ctx, password, phc{argonMemory, argonTime, argonThreads, salt, make([]byte, argonKey)})
	if err != nil {
		return "", err
	}
	return encodePHC(salt, key), nil
}

// verify reports whether password belongs to the PHC string. It takes the
// same time for a wrong password as for a right one.
func (h *hasher) verify(ctx context.Context, password, encoded string) (bool, error) {
	if len(password) > maxPassword {
		return false, nil
	}
	p, err := parsePHC(encoded)
	if err != nil {
		return false, err
	}
	key, err := h.derive(ctx, password, p)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, p.key) == 1, nil
}

func (h *hasher) derive(ctx context.Context, password string, p phc) ([]byte, error) {
	wait := time.NewTimer(hashWait)
	defer wait.Stop()
	select {
	case h.slots <- struct{}{}:
	case <-wait.C:
		return nil, ErrBusy
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-h.slots }()
	return argon2.IDKey([]byte(password), p.salt, p.time, p.memory, p.threads, uint32(len(p.key))), nil
}

// phc is a parsed argon2id hash.
type phc struct {
	memory, time uint32
	threads      uint8
	salt, key    []byte
}

func encodePHC(salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		argonMemory, argonTime, argonThreads, b64.EncodeToString(salt), b64.EncodeToString(key))
}

var errPHC = errors.New("access: stored password hash is not argon2id in PHC form")

func parsePHC(s string) (phc, error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return phc{}, errPHC
	}
	var p phc
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.threads); err != nil {
		return phc{}, errPHC
	}
	if p.memory == 0 || p.memory > maxArgonMemory || p.time == 0 || p.time > maxArgonTime || p.threads == 0 {
		return phc{}, errPHC
	}
	var errSalt, errKey error
	p.salt, errSalt = base64.RawStdEncoding.DecodeString(parts[4])
	p.key, errKey = base64.RawStdEncoding.DecodeString(parts[5])
	if errSalt != nil || errKey != nil || len(p.salt) < 8 || len(p.key) < 16 || len(p.key) > 64 {
		return phc{}, errPHC
	}
	return p, nil
}
