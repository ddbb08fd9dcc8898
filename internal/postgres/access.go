package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"telltale/internal/access"
)

// PutUser makes a user, or replaces name, role and password of the one with
// the login, enables it and ends its sessions.
func (db *DB) PutUser(ctx context.Context, u access.User) error {
	_, err := db.q.Exec(ctx, `
		with ended as (delete from sessions where login = @login)
		insert into users (login, name, role, password_hash)
		values (@login, @name, @role, @password_hash)
		on conflict (login) do update
		set name = excluded.name, role = excluded.role,
		    password_hash = excluded.password_hash, disabled_at = null`,
		pgx.NamedArgs{"login": u.Login, "name": u.Name, "role": u.Role, "password_hash": u.PasswordHash})
	return err
}

// UserByLogin returns the enabled user with the login, or [access.ErrNotFound].
func (db *DB) UserByLogin(ctx context.Context, login string) (access.User, error) {
	var u access.User
	err := db.q.QueryRow(ctx, `
		select login, name, role, password_hash from users
		where login = $1 and disabled_at is null`, login).
		Scan(&u.Login, &u.Name, &u.Role, &u.PasswordHash)
	return u, accessError(err)
}

// AddToken stores a token; [access.ErrExists] when its name is taken.
func (db *DB) AddToken(ctx context.Context, t access.Token, hash []byte) error {
	_, err := db.q.Exec(ctx, `
		insert into tokens (name, role, hash, created_at) values (@name, @role, @hash, @created_at)`,
		pgx.NamedArgs{"name": t.Name, "role": t.Role, "hash": hash, "created_at": t.CreatedAt})
	return accessError(err)
}

// TokenByHash returns the token that is not revoked, or [access.ErrNotFound].
func (db *DB) TokenByHash(ctx context.Context, hash []byte) (access.Token, error) {
	var t access.Token
	err := db.q.QueryRow(ctx, `
		select name, role, created_at from tokens
		where hash = $1 and revoked_at is null`, hash).
		Scan(&t.Name, &t.Role, &t.CreatedAt)
	return t, accessError(err)
}

// AddSession stores a session of the user that s.Actor names.
func (db *DB) AddSession(ctx context.Context, s access.Session, hash []byte) error {
	_, err := db.q.Exec(ctx, `
		insert into sessions (hash, login, csrf, created_at, expires_at)
		values (@hash, @login, @csrf, @created_at, @expires_at)`,
		pgx.NamedArgs{"hash": hash, "login": s.Actor, "csrf": s.CSRF,
			"created_at": s.CreatedAt, "expires_at": s.ExpiresAt})
	return accessError(err)
}

// SessionByHash returns the session that has not expired by now, with the
// present name and role of its user, or [access.ErrNotFound].
func (db *DB) SessionByHash(ctx context.Context, hash []byte, now time.Time) (access.Session, error) {
	var s access.Session
	err := db.q.QueryRow(ctx, `
		select u.login, coalesce(nullif(u.name, ''), u.login), u.role, s.csrf, s.created_at, s.expires_at
		from sessions s join users u using (login)
		where s.hash = $1 and s.expires_at > $2 and u.disabled_at is null`, hash, now).
		Scan(&s.Actor, &s.Name, &s.Role, &s.CSRF, &s.CreatedAt, &s.ExpiresAt)
	return s, accessError(err)
}

// ExtendSession moves the expiry of a session.
func (db *DB) ExtendSession(ctx context.Context, hash []byte, until time.Time) error {
	_, err := db.q.Exec(ctx, `update sessions set expires_at = $2 where hash = $1`, hash, until)
	return err
}

// RemoveSession ends a session; one that does not exist is fine.
func (db *DB) RemoveSession(ctx context.Context, hash []byte) error {
	_, err := db.q.Exec(ctx, `delete from sessions where hash = $1`, hash)
	return err
}

// AddLoginLink stores a one-time link for an enabled user, or answers
// [access.ErrNotFound].
func (db *DB) AddLoginLink(ctx context.Context, login string, hash []byte, expires time.Time) error {
	tag, err := db.q.Exec(ctx, `
		insert into login_links (hash, login, expires_at)
		select @hash, login, @expires_at from users where login = @login and disabled_at is null`,
		pgx.NamedArgs{"hash": hash, "login": login, "expires_at": expires})
	if err == nil && tag.RowsAffected() == 0 {
		return access.ErrNotFound
	}
	return err
}

// TakeLoginLink removes a link and returns whose it was. Of concurrent calls
// one gets the login: the others wait for its delete and find nothing.
func (db *DB) TakeLoginLink(ctx context.Context, hash []byte, now time.Time) (string, error) {
	var login string
	var expires time.Time
	err := db.q.QueryRow(ctx, `
		delete from login_links where hash = $1 returning login, expires_at`, hash).
		Scan(&login, &expires)
	if err == nil && !expires.After(now) {
		return "", access.ErrNotFound
	}
	return login, accessError(err)
}

// PruneAccess removes sessions and links that have expired by now.
func (db *DB) PruneAccess(ctx context.Context, now time.Time) error {
	_, err := db.q.Exec(ctx, `
		with gone as (delete from login_links where expires_at <= $1)
		delete from sessions where expires_at <= $1`, now)
	if err != nil {
		return fmt.Errorf("prune sessions: %w", err)
	}
	return nil
}

// accessError translates what the driver says into the words of access.
func accessError(err error) error {
	return meant(err,
		noRows(access.ErrNotFound),
		violatesKind(uniqueViolation, access.ErrExists),
		violatesKind(foreignKeyViolation, access.ErrNotFound))
}
