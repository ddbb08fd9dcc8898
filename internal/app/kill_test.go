package app

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/internal/gatewaytest"
	"telltale/internal/postgres"
	"telltale/simulator"
	"telltale/tickets"
)

// The fleet of the kill test: each device breaches its limit for part of each
// period, each at another time, so that at any moment some alarm is pending,
// some active and some ending.
const (
	killDevices = 30
	killRounds  = 1500 // reports of each device, one a minute by its clock
	killPeriod  = 120
	killBreach  = 40
	killOnDelay = 10 // minutes
	kills       = 10
	killPace    = 20 * time.Millisecond // a round
)

// breaches reports whether device d is too warm in a round.
func breaches(d, round int) bool { return (round+7*d)%killPeriod < killBreach }

// episode is one alarm as it must come out, whatever is killed.
type episode struct {
	Device   string
	RaisedAt time.Time
	Ended    time.Time // zero: active at the end
}

// expectedEpisodes computes the alarms from the readings alone.
func expectedEpisodes(start time.Time) map[episode]int {
	want := make(map[episode]int)
	for d := range killDevices {
		first := -1
		for round := range killRounds + 1 {
			if round < killRounds && breaches(d, round) {
				if first < 0 {
					first = round
				}
				continue
			}
			if first >= 0 && round-1-first >= killOnDelay {
				e := episode{Device: killDevice(d), RaisedAt: start.Add(time.Duration(first+killOnDelay) * time.Minute)}
				if round < killRounds {
					e.Ended = start.Add(time.Duration(round) * time.Minute)
				}
				want[e]++
			}
			first = -1
		}
	}
	return want
}

func killDevice(d int) string { return fmt.Sprintf("fridge-%02d", d) }

// TestKilledAtTenMoments kills the gateway with signal 9 at ten random moments
// under load. Devices send again only what was not acknowledged, so a lost
// acknowledged message is a missing reading; a doubled one is a reading too
// many; a lost timer is an alarm at another minute; a doubled effect is an
// alarm or ticket too many.
func TestKilledAtTenMoments(t *testing.T) {
	t.Parallel()
	g := newGatewayProcess(t)
	g.start()
	db := g.open()
	start := time.Now().Add(-(killRounds + 60) * time.Minute).Truncate(time.Minute).UTC()
	declareKillFleet(t, db, start)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	publisher := simulator.NewPublisher(killFleet(), simulator.PublisherOptions{
		Broker: "tcp://" + g.mqtt, RetryAfter: 100 * time.Millisecond,
	})
	publisherDone := make(chan struct{})
	go func() { defer close(publisherDone); _ = publisher.Run(ctx) }()
	published := make(chan error, 1)
	go func() { published <- publishRounds(ctx, publisher, start) }()

	for i := range kills {
		moment := publisher.Acknowledged() + 200 + rand.Int64N(killDevices*killRounds/2/kills)
		gatewaytest.Await(t, "messages to be acknowledged", func() bool { return publisher.Acknowledged() >= moment })
		t.Logf("kill %d, %d messages acknowledged", i+1, publisher.Acknowledged())
		g.kill()
		g.start()
	}
	if err := <-published; err != nil {
		t.Fatal(err)
	}
	drained, stop := context.WithTimeout(ctx, 2*time.Minute)
	defer stop()
	if err := publisher.Drain(drained); err != nil {
		t.Fatal(err)
	}
	db = g.open()
	checkKillOutcome(t, db, start)
	cancel()
	<-publisherDone
}

func killFleet() []devices.ID {
	ids := make([]devices.ID, killDevices)
	for d := range ids {
		ids[d] = devices.ID(killDevice(d))
	}
	return ids
}

func publishRounds(ctx context.Context, publisher *simulator.Publisher, start time.Time) error {
	pace := time.NewTicker(killPace)
	defer pace.Stop()
	for round := range killRounds {
		reports := make([]devices.Report, killDevices)
		for d := range reports {
			temperature := 5.0
			if breaches(d, round) {
				temperature = 9.5
			}
			reports[d] = devices.Report{
				Device:     devices.ID(killDevice(d)),
				ObservedAt: start.Add(time.Duration(round) * time.Minute),
				Readings:   []devices.Reading{{Metric: "temperature", Value: devices.Number(temperature)}},
			}
		}
		if err := publisher.Publish(ctx, reports); err != nil {
			return err
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func declareKillFleet(t *testing.T, db *postgres.DB, start time.Time) {
	t.Helper()
	var text strings.Builder
	text.WriteString(`
kind: Model
id: FR-1
metrics: {temperature: {unit: Cel}}
report_every: 1m
---
kind: Rule
id: warm
title: Too warm
applies_to: {models: [FR-1]}
when: temperature > 8
for: 10m
severity: major
`)
	for d := range killDevices {
		fmt.Fprintf(&text, `---
kind: Customer
id: C-%02d
name: Customer %d
tier: standard
language: en
timezone: Europe/Berlin
contacts: []
---
kind: Device
id: %s
model: FR-1
owners: [{customer: C-%02d, from: %s}]
`, d, d, killDevice(d), d, start.Add(-time.Hour).Format(time.RFC3339))
	}
	declareText(t, db, text.String())
}

func checkKillOutcome(t *testing.T, db *postgres.DB, start time.Time) {
	t.Helper()
	want, got := expectedEpisodes(start), map[episode]int(nil)
	_ = gatewaytest.Eventually(20*time.Millisecond, func() bool {
		got = alarmEpisodes(t, db)
		return cmp.Equal(want, got)
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alarms (-want +got)\n%s", diff)
	}

	const readings = killDevices * killRounds
	stored := int64(0)
	_ = gatewaytest.Eventually(20*time.Millisecond, func() bool {
		stored = countReadings(t, db)
		return stored >= readings
	})
	if stored != readings {
		t.Errorf("%d readings are stored, %d were acknowledged", stored, readings)
	}

	all := allTickets(t, db)
	if len(all) != len(want) {
		t.Errorf("%d tickets for %d alarms", len(all), len(want))
	}
	for _, ticket := range all {
		if owner := "C-" + strings.TrimPrefix(ticket.DeviceID, "fridge-"); ticket.CustomerID != owner {
			t.Errorf("%s of %s is for %s, not %s", ticket.ID, ticket.DeviceID, ticket.CustomerID, owner)
		}
	}
}

func alarmEpisodes(t *testing.T, db *postgres.DB) map[episode]int {
	t.Helper()
	alarms, err := db.ListAlarms(t.Context(), tickets.AlarmQuery{Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[episode]int)
	for _, a := range alarms {
		got[episode{a.Key.Subject.ID, a.RaisedAt.UTC(), a.ClearedAt.UTC()}]++
	}
	return got
}

func allTickets(t *testing.T, db *postgres.DB) []*tickets.Ticket {
	t.Helper()
	all, err := db.ListTickets(t.Context(), tickets.Query{Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func countReadings(t *testing.T, db *postgres.DB) int64 {
	t.Helper()
	var n int64
	for d := range killDevices {
		stored, err := db.Range(t.Context(), history.Query{
			Device: devices.ID(killDevice(d)), Metric: "temperature",
			From: time.Now().Add(-30 * 24 * time.Hour), To: time.Now().Add(time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
		n += int64(len(stored))
	}
	return n
}
