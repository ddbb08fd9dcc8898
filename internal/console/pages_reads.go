package console

import (
	"context"
	"time"

	"telltale/devices"
	"telltale/internal/views"
	"telltale/rules"
	"telltale/tickets"
	"telltale/tickets/recalls"
)

// PageReads is what only the pages read: lists that join several aggregates,
// and what they lead to. What the API reads as well has interfaces of its own
// in deps.go. Errors about ids that name nothing are
// the domain's own; what is declared and optional is nil when it is missing.
type PageReads interface {
	TicketReads
	AlarmReads
	RuleReads
	DeviceReads
	ShipmentReads
	CustomerReads
}

// TicketReads is what pages read about tickets.
type TicketReads interface {
	Tally(ctx context.Context) (views.Tally, error)
	TicketRows(ctx context.Context, q views.TicketQuery) (views.Page[views.TicketRow], error)
	ArticleSpec(ctx context.Context, id string) (*tickets.Article, error)
}

// AlarmReads is what pages read about alarms and the rules behind them.
type AlarmReads interface {
	AlarmRows(ctx context.Context, q views.AlarmQuery) ([]views.AlarmRow, error)
	RuleAt(ctx context.Context, id string, version int) (*rules.Rule, error)

	// RecordedAlarms returns the alarms of a rule in a mode that stood at some
	// time in [from, to); of more than limit, the latest.
	RecordedAlarms(ctx context.Context, rule string, mode rules.Mode, from, to time.Time, limit int) (views.Recorded, error)

	// RuleInMode says since when a rule has been in the mode it is in, and
	// since when in its present version.
	RuleInMode(ctx context.Context, rule string) (mode, version time.Time, err error)
}

// RuleReads is what pages read about rules.
type RuleReads interface {
	// RuleAlarms counts the alarms of one rule, or of all with "", by its id.
	RuleAlarms(ctx context.Context, rule string, now time.Time) (map[string]views.RuleAlarms, error)
	RuleNoise(ctx context.Context, rule string, now time.Time) (views.RuleNoise, error)

	// RuleReach counts the devices that a rule watches, by model.
	RuleReach(ctx context.Context, s rules.Selector) (map[string]int64, error)
}

// DeviceReads is what pages read about devices.
type DeviceReads interface {
	DeviceRows(ctx context.Context, q views.DeviceQuery, now time.Time) (views.Page[views.DeviceRow], error)
	DeviceRow(ctx context.Context, id string, now time.Time) (views.DeviceRow, error)
	Fleet(ctx context.Context, now time.Time) (views.Fleet, error)
	OwnerSpans(ctx context.Context, device string) ([]views.OwnerSpan, error)
	Models(ctx context.Context) (map[string]*devices.Model, error)
}

// ShipmentReads is what pages read about shipments.
type ShipmentReads interface {
	ShipmentRows(ctx context.Context, q views.ShipmentQuery) (views.Page[recalls.Summary], error)
}

// CustomerReads is what pages read about customers.
type CustomerReads interface {
	CustomerNames(ctx context.Context, ids []string) (map[string]string, error)
}
