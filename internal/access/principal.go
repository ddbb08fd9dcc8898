package access

import "time"

// Principal is who is asking, as established by a session or a token.
type Principal struct {
	// Actor names the principal in timelines and signatures: a user's login,
	// or "token:NAME". The two never collide, because a login has no colon.
	Actor string

	Name string // a person's name, or the token's
	Role Role
}

// Can reports whether the principal may do a.
func (p Principal) Can(a Action) bool { return p.Role.May(a) }

// User is a person who may log in.
type User struct {
	Login        string
	Name         string
	Role         Role
	PasswordHash string // argon2id in PHC form; never leaves the server
	Disabled     bool
}

func (u User) principal() Principal {
	name := u.Name
	if name == "" {
		name = u.Login
	}
	return Principal{Actor: u.Login, Name: name, Role: u.Role}
}

// Token is a program's standing permission. The secret itself is not kept.
type Token struct {
	Name      string
	Role      Role
	CreatedAt time.Time
}

// Session is a person's login on one browser.
type Session struct {
	Principal

	CSRF      string // must accompany every change a page asks for
	CreatedAt time.Time
	ExpiresAt time.Time
}
