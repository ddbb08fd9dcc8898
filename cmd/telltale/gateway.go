package main

import (
	"context"

	"telltale/internal/app"
	"telltale/internal/declare"
)

// gateway is what commands do to a gateway's data, directly ([app.Admin]) or
// through its API ([remote]).
type gateway interface {
	Plan(ctx context.Context, sources []declare.Source) (string, error)
	Apply(ctx context.Context, sources []declare.Source, author string) (string, error)
	Import(ctx context.Context, kind string, csv declare.Source, author string) (app.ImportReport, error)
	Quarantine(ctx context.Context, reason string, limit int) ([]app.Refused, error)
	Replay(ctx context.Context, reason string) (int64, error)
	DevicePassword(ctx context.Context, id string) (string, error)
	CreateToken(ctx context.Context, role, name string) (string, error)
	AddUser(ctx context.Context, login, name, role, password string) error
	Close() error
}

var (
	_ gateway = (*app.Admin)(nil)
	_ gateway = (*remote)(nil)
)
