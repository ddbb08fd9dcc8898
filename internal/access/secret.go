package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// secretBytes is the entropy of every secret we make. 256 bits need no slow
// hash: they cannot be guessed, so SHA-256 hides them well enough.
const secretBytes = 32

// tokenPrefix lets people and secret scanners recognise a leaked token.
const tokenPrefix = "tt_"

// maxSecret bounds what is hashed on behalf of a stranger.
const maxSecret = 256

// newSecret returns 256 random bits as text that is safe in URLs and cookies.
func newSecret() string {
	b := make([]byte, secretBytes)
	rand.Read(b) // never fails; see its documentation
	return base64.RawURLEncoding.EncodeToString(b)
}

// digest is what the store keeps of a secret.
func digest(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// plausible reports whether a stranger's text may be one of our secrets at
// all; what is not costs no query.
func plausible(secret, prefix string) bool {
	return strings.HasPrefix(secret, prefix) && len(secret) > len(prefix) && len(secret) <= maxSecret
}
