package main

import (
	"context"

	"telltale/internal/app"
	"telltale/internal/declare"
	"telltale/internal/views"
)

// gateway is what commands do to a gateway's data, directly ([app.Admin]) or
// through its API ([remote]).
type gateway interface {
	Plan(ctx context.Context, sources []declare.Source) (string, error)
	Apply(ctx context.Context, sources []declare.Source, author string) (string, error)
	Import(ctx context.Context, kind string, csv declare.Source, author string) (app.ImportReport, error)
	ImportReadings(ctx context.Context, part views.ReadingsImport) (views.ImportResult, error)
	Quarantine(ctx context.Context, q views.RefusedQuery) ([]app.Refused, error)
	Quarantined(ctx context.Context, id string) (app.Refused, error)
	Replay(ctx context.Context, s views.ReplaySelection, progress func(views.Replay)) error
	TryReplay(ctx context.Context, s views.ReplaySelection) (views.ReplayTrial, error)
	Unclaimed(ctx context.Context) ([]app.Unclaimed, error)
	Claim(ctx context.Context, c declare.Claim, author string) (string, error)
	Trace(ctx context.Context, position views.Position) (views.Trace, error)
	ExplainAlarm(ctx context.Context, id string) (views.AlarmAccount, error)
	ExplainHeldAlarm(ctx context.Context, id string) (views.HeldAccount, error)
	DevicePassword(ctx context.Context, id string) (string, error)
	CreateToken(ctx context.Context, role, name string) (string, error)
	AddUser(ctx context.Context, login, name, role, password string) error
	Close() error
}

var (
	_ gateway = (*app.Admin)(nil)
	_ gateway = (*remote)(nil)
)
