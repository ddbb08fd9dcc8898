package faults

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/internal/gatewaytest"
	"telltale/internal/postgres"
	"telltale/tickets"
)

// account is a row of the table in docs/faults.md.
type account struct {
	Fault        string
	Sent         int // messages
	Acknowledged int
	Stored       int
	Lost         int // acknowledged and not stored; alarms, tickets and events that did not come
	Doubled      int // readings, alarms, tickets and events that are there twice
	Forgotten    int // acknowledged by the external broker, but never by the gateway, nor stored
	Saw          string
}

// handOver is how long a broker that lost messages is waited for, in case that
// it still hands them over.
const handOver = 3 * time.Second

// look is how often it is looked what is stored: each look reads all of it.
const look = 250 * time.Millisecond

// settle ends a fleet and draws up its account: everything that it sent must be
// stored, and every alarm that follows from it be raised and told of once.
func (w *world) settle(t *testing.T, fault string, f *fleet) account {
	t.Helper()
	f.finish(t)
	db := w.db()
	defer db.Close()
	var store readings = db
	if w.influx != nil {
		influx := w.influx.open(t)
		defer influx.Close()
		store = influx
	}
	a := account{Fault: fault, Sent: f.sent(), Saw: f.saw()}
	var wrong []string
	forgotten := time.Now() // when another one of those was found at last
	_ = gatewaytest.Eventually(look, func() bool {
		c := &count{t: t, history: store, db: db, hooks: w.hooks, broker: w.broker}
		for _, d := range f.things {
			c.readings(f, d)
			c.alarms(f, d)
		}
		if c.forgotten == 0 { // else nobody can say which alarms follow
			c.compare(f.episodes())
		}
		if c.forgotten != a.Forgotten {
			forgotten = time.Now()
		}
		a.Acknowledged, a.Stored, a.Lost, a.Doubled, a.Forgotten = c.acknowledged, c.stored, c.missing, c.doubled, c.forgotten
		wrong = c.wrong
		if c.err != nil {
			wrong = append(wrong, c.err.Error())
		}
		return len(wrong) == 0 && (a.Forgotten == 0 || f.forgetful && time.Since(forgotten) > handOver)
	})
	for _, sentence := range wrong {
		t.Error(sentence)
	}
	if a.Forgotten > 0 && !f.forgetful {
		t.Errorf("%d messages were sent and neither acknowledged by the gateway nor stored", a.Forgotten)
	}
	if a.Forgotten > 0 {
		a.Saw += fmt.Sprintf("; the broker itself lost %d that it had acknowledged", a.Forgotten)
	}
	return a
}

// conclude fails the test when something is lost or doubled, and adds the row
// to the table.
func (a account) conclude(t *testing.T) {
	t.Helper()
	row := fmt.Sprintf("| %s | %d | %d | %d | %d | %d | %s |",
		a.Fault, a.Sent, a.Acknowledged, a.Stored, a.Lost, a.Doubled, a.Saw)
	t.Log("FAULTROW " + row)
	if a.Lost != 0 || a.Doubled != 0 {
		t.Errorf("%s: %d lost, %d doubled", a.Fault, a.Lost, a.Doubled)
	}
	if *rows == "" {
		return
	}
	file, err := os.OpenFile(*rows, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(file, row)
	}
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		t.Errorf("write row: %v", err)
	}
}

// readings is where the gateway keeps them.
type readings interface {
	Range(ctx context.Context, q history.Query) ([]history.Bucket, error)
}

// count is one look at everything that a fleet led to.
type count struct {
	t       *testing.T
	history readings
	db      *postgres.DB
	hooks   *receiver
	broker  *mosquitto // nil: devices are acknowledged by the gateway itself

	acknowledged, stored, missing, doubled, forgotten int

	episodes map[episode]int
	wrong    []string
	err      error // the look itself did not succeed
}

func (c *count) complain(format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

// readings counts what is stored of one device.
func (c *count) readings(f *fleet, d *thing) {
	stored, err := c.history.Range(c.t.Context(), history.Query{
		Device: devices.ID(d.id), Metric: "temperature", From: f.start.Add(-time.Hour), To: time.Now().Add(time.Hour),
	})
	if err != nil {
		c.err = err
		return
	}
	seen := make([]bool, d.sent)
	for _, bucket := range stored {
		round := int(bucket.T.Sub(f.start) / time.Minute)
		switch {
		case round < 0 || round >= d.sent || !bucket.T.Equal(f.observedAt(round)) || bucket.Min != temperature(d.index, round):
			c.doubled++
			c.complain("device %s: reading of %s is %v, which it never sent", d.id, bucket.T, bucket.Min)
		case seen[round] || bucket.N != 1:
			c.doubled++
			c.complain("device %s: reading of %s is stored twice", d.id, bucket.T)
		default:
			seen[round] = true
			c.stored++
		}
	}
	for round, have := range seen {
		vouched := c.broker == nil || c.broker.vouches(d.id, round)
		if vouched {
			c.acknowledged++
		}
		switch {
		case have:
		case vouched:
			c.missing++
			c.complain("device %s: reading %d is acknowledged and not stored", d.id, round)
		default:
			c.forgotten++
		}
	}
}

// alarms counts the alarms of one device, and the tickets and events about
// them.
func (c *count) alarms(_ *fleet, d *thing) {
	alarms, err := c.db.ListAlarms(c.t.Context(), tickets.AlarmQuery{Device: d.id, Limit: 10_000})
	if err != nil {
		c.err = err
		return
	}
	opened, err := c.db.ListTickets(c.t.Context(), tickets.Query{Device: d.id, Limit: 10_000})
	if err != nil {
		c.err = err
		return
	}
	if c.episodes == nil {
		c.episodes = make(map[episode]int)
	}
	for _, a := range alarms {
		c.episodes[episode{d.id, a.RaisedAt.UTC(), a.ClearedAt.UTC()}]++
		c.told(happening{tickets.EventAlarmRaised, a.ID})
		if !a.ClearedAt.IsZero() {
			c.told(happening{tickets.EventAlarmCleared, a.ID})
		}
	}
	byAlarm := make(map[string]int)
	for _, ticket := range opened {
		c.told(happening{tickets.EventTicketOpened, ticket.ID})
		for _, id := range ticket.AlarmIDs {
			byAlarm[id]++
		}
	}
	for _, a := range alarms {
		c.once(byAlarm[a.ID], "tickets of alarm "+a.ID+" of "+d.id)
	}
}

func (c *count) told(h happening) {
	c.once(c.hooks.ids(h), "webhook events "+h.Type+" of "+h.Subject)
}

func (c *count) once(n int, what string) {
	if n == 1 {
		return
	}
	c.complain("%s: %d instead of 1", what, n)
	if n == 0 {
		c.missing++
	} else {
		c.doubled += n - 1
	}
}

// compare holds the alarms against those that follow from what was sent.
func (c *count) compare(want map[episode]int) {
	for e, n := range want {
		if have := c.episodes[e]; have < n {
			c.missing += n - have
			c.complain("alarm of %s from %s to %s: missing", e.Device, e.Raised, e.Cleared)
		}
	}
	for e, n := range c.episodes {
		if n > want[e] {
			c.doubled += n - want[e]
			c.complain("alarm of %s from %s to %s: should not be", e.Device, e.Raised, e.Cleared)
		}
	}
}
