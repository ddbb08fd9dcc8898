// Package access decides who is asking and what they may do.
//
//	bearer token --SHA-256--> Store --+
//	cookie       --SHA-256--> Store --+--> Principal --Can(Action)--> yes | no
//	login + password --argon2id-------+
//
// The table of roles is pure data. Secrets are 256 random bits each: tokens
// for programs, cookies for people's sessions and one-time links. The store
// sees their SHA-256 only, so a stolen copy of the database opens nothing.
// Passwords, which people choose, are hashed with argon2id; how many are
// computed at once is bounded, so that a flood of logins costs the flooder
// time and not the machine its memory.
//
// The package promises that a one-time link is used once even under races,
// that a disabled user's sessions end at once, and that an unknown login
// takes as long to refuse as a wrong password. It knows nothing of HTTP.
//
// Start reading at [Role], then [Gate].
package access
