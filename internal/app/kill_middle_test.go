package app

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/internal/declare"
	"telltale/internal/gatewaytest"
	"telltale/internal/postgres"
	"telltale/rules"
	"telltale/simulator"
	"telltale/tickets"
)

// middleKilled is the minute after which the gateway is killed: in the middle
// of a delay, of a window, of a shelf and of a latch.
const (
	middleKilled = 12
	middleEnds   = 30
	middleLate   = 8 // the minute that the second device sends last
)

const middleRules = `
kind: Model
id: FR-1
metrics: {temperature: {unit: Cel}, humidity: {unit: "%"}, power: {unit: W}}
report_every: 1m
lateness: 1h
---
{kind: Rule, id: delay, applies_to: {models: [FR-1]}, when: temperature > 8, for: 10m, severity: major}
---
{kind: Rule, id: window, applies_to: {models: [FR-1]}, when: 'avg(temperature, "20m") > 8.2', severity: major}
---
{kind: Rule, id: latch, applies_to: {models: [FR-1]}, when: humidity > 80, latch: true, severity: minor}
---
{kind: Rule, id: shelf, applies_to: {models: [FR-1]}, when: power > 5, severity: minor, escalate: [{after: 20m, severity: critical}]}
---
{kind: Device, id: fridge-1, model: FR-1}
---
{kind: Device, id: fridge-2, model: FR-1}
`

// TestKilledInTheMiddleOfADelayAWindowAShelfAndALatch kills the gateway with
// signal 9 while each of them has begun and none has ended. All of it goes on
// as if nothing had happened; a reading that was observed before the kill and
// arrives after the end amends what was decided over it.
func TestKilledInTheMiddleOfADelayAWindowAShelfAndALatch(t *testing.T) {
	t.Parallel()
	g := newGatewayProcess(t)
	g.start()
	db := g.open()
	start := time.Now().Add(-2 * time.Hour).Truncate(time.Minute).UTC()
	declareText(t, db, middleRules)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	publisher := simulator.NewPublisher([]devices.ID{"fridge-1", "fridge-2"}, simulator.PublisherOptions{
		Broker: "tcp://" + g.mqtt, RetryAfter: 100 * time.Millisecond,
	})
	publisherDone := make(chan struct{})
	go func() { defer close(publisherDone); _ = publisher.Run(ctx) }()
	publish := func(device devices.ID, minutes ...int) {
		t.Helper()
		for _, n := range minutes {
			if err := publisher.Publish(ctx, []devices.Report{middleReport(device, start, n)}); err != nil {
				t.Fatal(err)
			}
		}
		drained, stop := context.WithTimeout(ctx, gatewaytest.Patience)
		defer stop()
		if err := publisher.Drain(drained); err != nil {
			t.Fatal(err)
		}
	}

	publish("fridge-1", minutesBut(-1, 0, middleKilled)...)
	publish("fridge-2", minutesBut(middleLate, 0, middleKilled)...)
	gatewaytest.Await(t, "the alarms of the first half", func() bool {
		return middleAlarm(t, db, "fridge-1", "latch") != nil && !middleAlarm(t, db, "fridge-1", "latch").Active() &&
			middleAlarm(t, db, "fridge-1", "shelf") != nil
	})
	desk := middleDesk(t, db)
	until := time.Now().Add(time.Hour).Truncate(time.Second).UTC()
	if _, err := desk.ShelveAlarm(ctx, middleAlarm(t, db, "fridge-1", "shelf").ID, "ana", until, "Known."); err != nil {
		t.Fatal(err)
	}
	g.kill()
	g.start()
	db = g.open()
	publish("fridge-1", minutesBut(-1, middleKilled+1, middleEnds)...)
	publish("fridge-2", minutesBut(middleLate, middleKilled+1, middleEnds)...)
	publish("fridge-2", middleLate)

	_ = gatewaytest.Eventually(20*time.Millisecond, func() bool { // each device is in a partition of its own
		late, last := middleAlarm(t, db, "fridge-2", "delay"), middleAlarm(t, db, "fridge-1", "window")
		return late != nil && len(late.Earlier) == 1 && last != nil
	})
	checkMiddle(t, db, start, until)
	desk = middleDesk(t, db)
	latched := middleAlarm(t, db, "fridge-1", "latch")
	if _, err := desk.AcknowledgeAlarm(ctx, latched.ID, "ana", "Dried."); err != nil {
		t.Fatal(err)
	}
	if ticket, err := db.Ticket(ctx, latched.TicketID); err != nil || ticket.Status != tickets.Solved {
		t.Errorf("the latched alarm's ticket after the acknowledgement: %+v, %v", ticket, err)
	}
	cancel()
	<-publisherDone
}

// middleReport is what both devices observe: warm from minute 5, humid from 2
// to 6, and drawing power from 1.
func middleReport(device devices.ID, start time.Time, n int) devices.Report {
	celsius, humidity, watts := 5.0, 40.0, 0.0
	if n >= 5 && (device != "fridge-2" || n != middleLate) {
		celsius = 9
	}
	if n >= 2 && n <= 6 {
		humidity = 90
	}
	if n >= 1 {
		watts = 10
	}
	return devices.Report{Device: device, ObservedAt: start.Add(time.Duration(n) * time.Minute), Readings: []devices.Reading{
		{Metric: "temperature", Value: devices.Number(celsius)}, {Metric: "humidity", Value: devices.Number(humidity)},
		{Metric: "power", Value: devices.Number(watts)},
	}}
}

func minutesBut(but, from, to int) []int {
	var all []int
	for n := from; n <= to; n++ {
		if n != but {
			all = append(all, n)
		}
	}
	return all
}

// checkMiddle compares with what the arithmetic of the rules says.
func checkMiddle(t *testing.T, db *postgres.DB, start, until time.Time) {
	t.Helper()
	minute := func(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }
	want := map[episode]int{
		{"fridge-1 delay", minute(15), time.Time{}}: 1, {"fridge-2 delay", minute(19), time.Time{}}: 1,
		{"fridge-1 window", minute(22), time.Time{}}: 1, {"fridge-2 window", minute(23), time.Time{}}: 1,
		{"fridge-1 latch", minute(2), minute(7)}: 1, {"fridge-2 latch", minute(2), minute(7)}: 1,
		{"fridge-1 shelf", minute(1), time.Time{}}: 1, {"fridge-2 shelf", minute(1), time.Time{}}: 1,
	}
	alarms, err := db.ListAlarms(t.Context(), tickets.AlarmQuery{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	got := map[episode]int{}
	for _, a := range alarms {
		got[episode{a.Key.Subject.ID + " " + a.Key.Rule, a.RaisedAt.UTC(), a.ClearedAt.UTC()}]++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alarms (-want +got)\n%s", diff)
	}

	late := middleAlarm(t, db, "fridge-2", "delay")
	if late == nil || len(late.Earlier) != 1 {
		t.Fatalf("no amended alarm: %+v", late)
	}
	if before := late.Earlier[0]; !before.RaisedAt.Equal(minute(15)) || late.ID != late.RaiseID {
		t.Errorf("amended alarm %+v", late)
	}
	shelved, open := middleAlarm(t, db, "fridge-1", "shelf"), middleAlarm(t, db, "fridge-2", "shelf")
	if !shelved.ShelvedUntil.Equal(until) || shelved.ShelvedBy != "ana" || shelved.Severity != rules.Critical {
		t.Errorf("shelved alarm %+v", shelved)
	}
	priorities := map[string]tickets.Priority{}
	for _, ticket := range allTickets(t, db) {
		priorities[ticket.ID] = ticket.Priority
	}
	if priorities[shelved.TicketID] != tickets.Normal || priorities[open.TicketID] != tickets.Urgent {
		t.Errorf("priority %s of the shelved one, %s of the other", priorities[shelved.TicketID], priorities[open.TicketID])
	}
	if latched := middleAlarm(t, db, "fridge-1", "latch"); !latched.Open() || latched.Active() {
		t.Errorf("latched alarm %+v", latched)
	}
}

// middleAlarm returns the only alarm of a rule on a device, nil while there is
// none.
func middleAlarm(t *testing.T, db *postgres.DB, device, rule string) *tickets.Alarm {
	t.Helper()
	alarms, err := db.ListAlarms(t.Context(), tickets.AlarmQuery{Device: device, Rule: rule})
	if err != nil {
		t.Fatal(err)
	}
	switch len(alarms) {
	case 0:
		return nil
	case 1:
		return alarms[0]
	default:
		t.Fatalf("%d alarms of %s on %s", len(alarms), rule, device)
		return nil
	}
}

// nothingDeclared is enough of a catalog for what people do.
type nothingDeclared struct{}

func (nothingDeclared) Rule(string, int) (*rules.Rule, bool) { return nil, false }
func (nothingDeclared) Directory() *devices.Directory        { return nil }

func middleDesk(t *testing.T, db *postgres.DB) *tickets.Desk {
	t.Helper()
	desk, err := tickets.NewDesk(nothingDeclared{}, func(ctx context.Context, f func(tickets.Store) error) error {
		return db.InTx(ctx, func(tx *postgres.DB) error { return f(tx) })
	}, tickets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return desk
}

func declareText(t *testing.T, db *postgres.DB, text string) {
	t.Helper()
	set, err := declare.ParseSources(declare.Source{Name: "test.yaml", Text: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := db.Apply(t.Context(), set, "test")
	if err != nil {
		t.Fatal(err)
	}
	gatewaytest.Await(t, "the gateway to work by the declarations", func() bool {
		behind, err := db.NodesBehind(t.Context(), plan.Version)
		return err == nil && behind == 0
	})
}
