package postgres

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"telltale/devices"
)

// NewDevicePassword gives a declared device a new password for the embedded
// broker and returns it; the one before is worth nothing from then on. The
// password has 128 random bits, so a plain SHA-256 of it is kept.
func (db *DB) NewDevicePassword(ctx context.Context, id devices.ID) (string, error) {
	password := rand.Text()
	hash := sha256.Sum256([]byte(password))
	tag, err := db.q.Exec(ctx, `
		insert into device_credentials (device_id, password_hash)
		select id, $2 from devices where id = $1
		on conflict (device_id) do update
		set password_hash = excluded.password_hash, created_at = now(), revoked_at = null`, string(id), hash[:])
	if err != nil {
		return "", fmt.Errorf("store password of device %s: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return "", devices.ErrUnknown
	}
	return password, nil
}

// CheckDevicePassword reports whether the password is the device's.
func (db *DB) CheckDevicePassword(ctx context.Context, id devices.ID, password []byte) (bool, error) {
	var stored []byte
	err := db.q.QueryRow(ctx, `
		select password_hash from device_credentials where device_id = $1 and revoked_at is null`, string(id),
	).Scan(&stored)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read password of device %s: %w", id, err)
	}
	hash := sha256.Sum256(password)
	return subtle.ConstantTimeCompare(hash[:], stored) == 1, nil
}
