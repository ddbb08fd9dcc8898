package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"telltale/devices"
	"telltale/internal/declare"
	"telltale/internal/views"
	"telltale/rules"
	"telltale/tickets"
)

// AlarmAccount returns an alarm with all that explains it, as it was at one
// moment, or an error that wraps [tickets.ErrNotFound].
func (db *DB) AlarmAccount(ctx context.Context, id string) (views.AlarmAccount, error) {
	var account views.AlarmAccount
	err := db.inSnapshot(ctx, func(tx *DB) error {
		alarm, err := tx.Alarm(ctx, id)
		if err != nil {
			return err
		}
		account = views.AlarmAccount{AlarmView: alarm.View(), Units: map[string]string{}, Acts: []tickets.EntryView{}}
		return tx.fillAccount(ctx, alarm, &account)
	})
	return account, err
}

func (db *DB) fillAccount(ctx context.Context, alarm *tickets.Alarm, account *views.AlarmAccount) error {
	models, err := db.accountDevice(ctx, alarm, account)
	if err != nil {
		return err
	}
	if err := db.accountRule(ctx, alarm, models, account); err != nil {
		return err
	}
	if alarm.TicketID == "" {
		return nil
	}
	ticket, err := db.Ticket(ctx, alarm.TicketID)
	if err != nil {
		return err
	}
	account.Ticket = &views.TicketOfAlarm{ID: ticket.ID, Status: ticket.Status, Subject: ticket.Subject}
	for _, e := range ticket.Timeline {
		if views.IsAct(e.Kind) {
			account.Acts = append(account.Acts, tickets.EntryView(e))
		}
	}
	return nil
}

// accountRule adds the rule as it was when it decided, in the words of the
// models.
func (db *DB) accountRule(ctx context.Context, alarm *tickets.Alarm, models []*devices.Model, account *views.AlarmAccount) error {
	rule, err := db.RuleAt(ctx, alarm.Key.Rule, alarm.RuleVersion)
	if err != nil || rule == nil {
		return err
	}
	then := &views.RuleThen{Title: rule.Title, Says: rules.Summarize(rule, models)}
	if then.Text, err = declare.Text(rule); err != nil {
		return err
	}
	err = db.q.QueryRow(ctx, `
		select v.author, v.created_at, coalesce(r.version, 0)
		from rule_versions v left join rules r on r.id = v.rule_id
		where v.rule_id = $1 and v.version = $2`, alarm.Key.Rule, alarm.RuleVersion).
		Scan(&then.Author, &then.DeclaredAt, &then.PresentVersion)
	if err != nil {
		return fmt.Errorf("read author of rule %s version %d: %w", alarm.Key.Rule, alarm.RuleVersion, err)
	}
	account.Rule, account.NextStep = then, views.NextStepOf(rule, alarm)
	return nil
}

// accountDevice adds the device, the units of its model, and who owned it when
// the alarm was raised. It returns the model, none when the device is not
// declared any more.
func (db *DB) accountDevice(ctx context.Context, alarm *tickets.Alarm, account *views.AlarmAccount) ([]*devices.Model, error) {
	var model, device []byte
	var customer, name *string
	err := db.q.QueryRow(ctx, `
		select d.spec, m.spec, o.customer_id, c.name
		from devices d join models m on m.id = d.model
		left join device_owners o on o.device_id = d.id and o.owned_from <= $2 and (o.owned_until is null or $2 < o.owned_until)
		left join customers c on c.id = o.customer_id
		where d.id = $1`, alarm.Key.Subject.ID, alarm.RaisedAt).Scan(&device, &model, &customer, &name)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read device %s of an alarm: %w", alarm.Key.Subject.ID, err)
	}
	d, err := declare.Decode[*devices.Device](device)
	if err != nil {
		return nil, err
	}
	m, err := declare.Decode[*devices.Model](model)
	if err != nil {
		return nil, err
	}
	account.Device = &views.DeviceOfAlarm{Model: d.Model, Serial: d.Serial, Site: d.Site}
	if customer != nil {
		account.Customer = &views.CustomerThen{ID: *customer, Name: *name}
	}
	account.Units = unitsOf(alarm.Values, m)
	return []*devices.Model{m}, nil
}

// unitsOf returns the units of those values that have one.
func unitsOf(values map[string]devices.Value, m *devices.Model) map[string]string {
	units := make(map[string]string)
	for metric := range values {
		if unit := m.Metrics[metric].Unit; unit != "" {
			units[metric] = unit
		}
	}
	return units
}

// HeldAccount returns an alarm that was held back with the units of what it
// saw, as they are declared now, or an error that wraps [tickets.ErrNotFound].
func (db *DB) HeldAccount(ctx context.Context, id string) (views.HeldAccount, error) {
	account := views.HeldAccount{Units: map[string]string{}}
	err := db.inSnapshot(ctx, func(tx *DB) error {
		held, err := tx.HeldAlarm(ctx, id)
		if err != nil {
			return err
		}
		account.HeldAlarmView = held.View()
		model, err := tx.modelOf(ctx, held.Key.Subject.ID)
		if err == nil && model != nil {
			account.Units = unitsOf(held.Values, model)
		}
		return err
	})
	return account, err
}

// modelOf returns the model of a device, nil when it is not declared any more.
func (db *DB) modelOf(ctx context.Context, device string) (*devices.Model, error) {
	var spec []byte
	err := db.q.QueryRow(ctx, `select m.spec from devices d join models m on m.id = d.model where d.id = $1`, device).Scan(&spec)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read model of device %s: %w", device, err)
	}
	return declare.Decode[*devices.Model](spec)
}
