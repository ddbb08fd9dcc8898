package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"telltale/internal/views"
)

type rulesExplainCmd struct {
	ID   string `arg:"" name:"alarm" help:"Id of an alarm, as lists, tickets, events and log lines have it."`
	JSON bool   `help:"Print everything as JSON, as GET /api/v1/alarms/{id} answers."`
	target
}

// Run prints what is known of an alarm.
func (c rulesExplainCmd) Run(ctx context.Context, io *console) error {
	return c.with(ctx, io, func(g gateway) error {
		account, err := g.ExplainAlarm(ctx, c.ID)
		if err != nil {
			return err
		}
		if c.JSON {
			encoder := json.NewEncoder(io.out)
			encoder.SetIndent("", "  ")
			return encoder.Encode(account)
		}
		return printAccount(io, account)
	})
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
