package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"telltale/internal/views"
)

type rulesExplainCmd struct {
	ID   string `arg:"" name:"alarm" help:"Id of an alarm, or of one that was held back, as lists, tickets, events and log lines have it."`
	JSON bool   `help:"Print everything as JSON, as GET /api/v1/alarms/{id} or /held-alarms/{id} answers."`
	target
}

// Run prints what is known of an alarm.
func (c rulesExplainCmd) Run(ctx context.Context, io *console) error {
	return c.with(ctx, io, func(g gateway) error {
		account, err := g.ExplainAlarm(ctx, c.ID)
		if err != nil {
			held, heldErr := g.ExplainHeldAlarm(ctx, c.ID)
			switch {
			case heldErr != nil:
				return err
			case c.JSON:
				return printJSON(io.out, held)
			default:
				return printHeld(io, held)
			}
		}
		if c.JSON {
			return printJSON(io.out, account)
		}
		return printAccount(io, account)
	})
}

// ExplainHeldAlarm is [app.Admin]'s.
func (r *remote) ExplainHeldAlarm(ctx context.Context, id string) (views.HeldAccount, error) {
	var held views.HeldAccount
	err := r.call(ctx, http.MethodGet, "/held-alarms/"+url.PathEscape(id), nil, &held)
	if err != nil {
		return held, fmt.Errorf("explain alarm %s that was held back: %w", id, err)
	}
	return held, nil
}

// ExplainAlarm is [app.Admin]'s.
func (r *remote) ExplainAlarm(ctx context.Context, id string) (views.AlarmAccount, error) {
	var account views.AlarmAccount
	err := r.call(ctx, http.MethodGet, "/alarms/"+url.PathEscape(id), nil, &account)
	if err != nil {
		return account, fmt.Errorf("explain alarm %s: %w", id, err)
	}
	return account, nil
}
