package console

import (
	"encoding/base64"

	"golang.org/x/crypto/argon2"

	"telltale/internal/access"
)

// employ gives somebody an account. A password costs time by design, and under
// the race detector most of all; the parameters of this hash are the smallest
// that there are, and logging in goes by those of the hash.
func (r *rig) employ(login, name string, role access.Role, password string) {
	r.t.Helper()
	salt, base := []byte("salt of a test"), base64.RawStdEncoding
	key := argon2.IDKey([]byte(password), salt, 1, 8, 1, 32)
	r.must(r.db.PutUser(r.t.Context(), access.User{
		Login: login, Name: name, Role: role,
		PasswordHash: "$argon2id$v=19$m=8,t=1,p=1$" + base.EncodeToString(salt) + "$" + base.EncodeToString(key),
	}))
}
