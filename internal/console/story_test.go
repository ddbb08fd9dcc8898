package console

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"telltale/devices"
	"telltale/ingest"
	"telltale/ingest/history"
	"telltale/internal/access"
	"telltale/internal/postgres"
	"telltale/rules"
	"telltale/tickets"
	"telltale/tickets/recalls"
)

// storyNow is the moment at which people look at the story: a Sunday.
var storyNow = time.Date(2026, 11, 22, 14, 30, 0, 0, time.UTC)

// newStory starts a console in the middle of a working day: faults that are
// open, solved and coming back, a shipment that has used up its budget, one
// that is late with its data, refused messages. Everything went through the
// same doors as in the gateway.
func newStory(t *testing.T) *rig {
	t.Helper()
	working := func(context.Context) error { return nil }
	return story.newRig(t, Options{
		Now:    storyClock,
		Checks: []Check{{"database", working}, {"log", working}, {"broker", working}, {"rules", working}},
	})
}

func storyClock() time.Time { return storyNow }

// story is told once, into a database that each test copies.
var story = beginWith(storyClock, storyDeclarations(), func(r *rig) {
	r.tellReadings()
	r.tellAlarms()
	r.tellShipments()
	r.tellRefused()
})

// storyPeople are those who work here; each is given an account when needed.
func storyPeople() map[string]struct {
	name string
	role access.Role
} {
	return map[string]struct {
		name string
		role access.Role
	}{
		"anna": {"Anna Sikora", access.Admin}, "sam": {"Sam Berg", access.Support},
		"quinn": {"Quinn Adler", access.Quality}, "pat": {"Pat Lind", access.Quality}, "vera": {"Vera Moss", access.Viewer},
	}
}

const storyPassword = "a long enough password"

func storyDeclarations() string {
	var b strings.Builder
	b.WriteString(storyModels)
	owners := []string{"C-1001", "C-1002", "C-1003", "C-1004"}
	for i := 1; i <= 9; i++ {
		model := []string{"FR-200", "FR-200", "FZ-90"}[i%3]
		fmt.Fprintf(&b, "---\nkind: Device\nid: %s-%02d\nmodel: %s\nserial: SN-%d\nsite: %s\nowners: [{customer: %s, from: 2026-01-10T00:00:00Z}]\n",
			map[string]string{"FR-200": "fridge", "FZ-90": "freezer"}[model], i, model, 8800+i*7,
			[]string{"Warsaw-2", "Gdansk-1", "Poznan-4"}[i%3], owners[i%4])
	}
	return b.String()
}

const storyModels = `
kind: Model
id: FR-200
metrics:
  temperature: {unit: Cel, min: -60, max: 80}
  compressor_w: {unit: W, min: 0, max: 2000}
  door_open: {unit: bool}
report_every: 2m
faults:
  E21: {title: Evaporator fan blocked, severity: major, article: KB-7}
  E07: {title: Door contact stuck, severity: minor}
---
kind: Model
id: FZ-90
metrics: {temperature: {unit: Cel, min: -90, max: 60}, compressor_w: {unit: W, min: 0, max: 2500}}
report_every: 2m
---
kind: Model
id: RF-1
metrics: {temperature: {unit: Cel, min: -60, max: 80}, battery: {unit: "%", min: 0, max: 100}}
report_every: 5m
---
kind: Model
id: WM-7
metrics: {water_temp: {unit: Cel, min: 0, max: 100}, vibration: {unit: "mm/s", min: 0}}
report_every: 1m
faults: {F15: {title: Drain pump does not run, severity: major, article: KB-15}}
---
kind: Customer
id: C-1001
name: Nordfrost Clinics
tier: gold
language: pl
timezone: Europe/Warsaw
crm: {system: hubspot, id: "51234"}
contacts: [{id: P-1, name: Ewa Nowak, email: ewa@nordfrost.example, phone: "+48 22 555 01 01", roles: [owner, quality], consent: [service]}]
---
kind: Customer
id: C-1002
name: Baltic Pharma Wholesale
tier: standard
language: en
timezone: Europe/Vilnius
crm: {system: salesforce, id: 0015g00000QxT}
contacts: [{id: P-2, name: Jonas Petrauskas, email: jonas@baltic.example, roles: [owner]}, {id: P-3, name: Ruta Kazlauskiene, email: quality@baltic.example, roles: [quality]}]
---
kind: Customer
id: C-1003
name: Hotel Aurora
tier: standard
language: de
timezone: Europe/Berlin
contacts: [{id: P-4, name: Lena Vogt, email: lena@aurora.example, roles: [owner]}]
---
kind: Customer
id: C-1004
name: St. Brigid Hospital
tier: gold
language: en
timezone: Europe/Dublin
crm: {system: hubspot, id: "51980"}
contacts: [{id: P-5, name: Aoife Byrne, email: aoife@brigid.example, roles: [owner, quality]}]
---
kind: Device
id: reefer-3
model: RF-1
serial: RX-3
---
kind: Device
id: reefer-5
model: RF-1
serial: RX-5
---
kind: Device
id: reefer-6
model: RF-1
serial: RX-6
---
kind: Device
id: reefer-8
model: RF-1
serial: RX-8
---
kind: Device
id: washer-2
model: WM-7
serial: WM-2201
site: Berlin laundry
owners: [{customer: C-1002, from: 2026-01-10T00:00:00Z}, {customer: C-1003, from: 2026-06-01T00:00:00Z}]
---
kind: StorageProfile
id: vaccine-2-8
limits: {min: 2, max: 8}
budgets:
  - {above: 8, for: 3h, cumulative: true, verdict: reject}
  - {above: 15, for: 30m, verdict: reject}
  - {at_or_below: -0.5, for: 60m, verdict: reject}
mkt: {max: 8, window: 24h, activation_energy: 83.144}
gaps: {longer_than: 30m, count_as: unknown}
ignore_first: 10m
source: "Stability report SR-118, 2025-03-02"
---
kind: Shipment
id: S-9001
carrier: PolarTrans
profile: vaccine-2-8
loggers: [{device: reefer-3, from: 2026-11-21T18:00:00Z}]
departed: 2026-11-21T18:00:00Z
lots: [{gtin: "05901234123457", lot: A17, quantity: 1200, unit: vial}, {gtin: "05901234123464", lot: B04, quantity: 300, unit: vial}]
consignees: [{customer: C-1001, lot: A17, quantity: 700}, {customer: C-1002, lot: A17, quantity: 500}, {customer: C-1004, lot: B04, quantity: 300}]
---
kind: Shipment
id: S-9002
carrier: PolarTrans
profile: vaccine-2-8
loggers: [{device: reefer-5, from: 2026-11-22T04:00:00Z}]
departed: 2026-11-22T04:00:00Z
lots: [{gtin: "05901234123457", lot: A18, quantity: 900, unit: vial}]
consignees: [{customer: C-1004, lot: A18, quantity: 900}]
---
kind: Shipment
id: S-9003
carrier: Kestrel Freight
profile: vaccine-2-8
loggers: [{device: reefer-6, from: 2026-11-22T02:00:00Z}]
departed: 2026-11-22T02:00:00Z
lots: [{gtin: "05901234123457", lot: A19, quantity: 640, unit: vial}]
consignees: [{customer: C-1002, lot: A19, quantity: 640}]
---
kind: Shipment
id: S-8990
carrier: Kestrel Freight
profile: vaccine-2-8
loggers: [{device: reefer-8, from: 2026-11-20T06:00:00Z, until: 2026-11-20T20:00:00Z}]
departed: 2026-11-20T06:00:00Z
arrived: 2026-11-20T20:00:00Z
lots: [{gtin: "05901234123457", lot: A12, quantity: 800, unit: vial}]
consignees: [{customer: C-1001, lot: A12, quantity: 500}, {customer: C-1002, lot: A12, quantity: 300}]
---
kind: Article
id: KB-7
title: Compartment warm, compressor running
body: |
  The compressor runs but the compartment does not cool: look for a blocked evaporator or a door that does not seal.

  1. Ask whether the door closes by itself and whether frost covers the rear wall.
  2. Let the customer switch on defrost from the panel (hold the snowflake for 5 s).
  3. If the power draw stays above 160 W for an hour, send a technician with a fan kit.
---
kind: Article
id: KB-15
title: Washer does not drain
faults: [F15]
body: |
  Open the service flap and clean the filter. If the code returns within a day, replace the pump.
---
kind: Rule
` + fridgeWarm + `ticket: {subject: "{{device.id}}: compartment at {{values.temperature}} °C", priority: high, team: appliances, article: KB-7}
tests:
  - name: nine warm minutes are a defrost, eleven are an alarm
    device: {id: fridge-1, model: FR-200}
    every: 1m
    series: {temperature: "4x5 9x9 4x20 9x12 4x20"}
    expect:
      - {at: 20m, state: none}
      - {at: 45m, state: active, severity: major}
      - {at: 60m, state: cleared}
    raised: 1
---
kind: Rule
id: freezer-warm
title: Freezer above -15 °C
applies_to: {models: ["FZ-*"]}
when: temperature > -15
for: 15m
severity: critical
ticket: {subject: "{{device.id}}: freezer at {{values.temperature}} °C", priority: urgent, team: appliances}
---
kind: Rule
id: door-open
title: Door left open
applies_to: {models: ["FR-*"]}
when: door_open == 1
for: 5m
severity: minor
ticket: {subject: "{{device.id}}: door open", priority: normal, team: appliances}
---
kind: Rule
id: drain-fault
title: Drain pump does not run
applies_to: {models: ["WM-7"]}
when: fault("F15")
severity: major
ticket: {subject: "{{device.id}}: drain pump does not run (F15)", priority: normal, team: laundry, article: KB-15}
---
kind: Rule
id: silent
title: No data
when: silent("30m")
severity: minor
ticket: {subject: "{{device.id}}: no data for 30 minutes", priority: low}
---
kind: Rule
id: compressor-drift
title: Compressor draws too much
applies_to: {models: ["FR-*"]}
when: compressor_w > 190
severity: info
mode: shadow
`

// fridgeWarm is the rule that most of the story is about, but for its ticket
// and its tests.
const fridgeWarm = `id: fridge-warm
title: Compartment too warm
applies_to: {models: ["FR-*"]}
when: temperature > 8
for: 10m
clear_when: temperature < 7
clear_for: 5m
severity: major
escalate: [{after: 30m, severity: critical}]
`

// wave is a quiet signal around a middle with a compressor's rhythm.
func wave(middle, swing float64, at time.Time, phase float64) float64 {
	minutes := float64(at.Unix()) / 60
	v := middle + swing*math.Sin(minutes/17+phase) + swing/3*math.Sin(minutes/5.3+2*phase)
	return math.Round(v*100) / 100
}

// between is how far at has come from a to b, from 0 to 1.
func between(at, a, b time.Time) float64 {
	return math.Min(math.Max(at.Sub(a).Seconds()/b.Sub(a).Seconds(), 0), 1)
}

func ago(d time.Duration) time.Time { return storyNow.Add(-d) }

// tellReadings writes a day of readings for every device.
func (r *rig) tellReadings() {
	r.t.Helper()
	var reports []devices.Report
	add := func(id string, from, to time.Time, every time.Duration, values func(time.Time) map[string]float64) {
		for at := from; !at.After(to); at = at.Add(every) {
			report := devices.Report{Device: devices.ID(id), ObservedAt: at, ReceivedAt: at.Add(300 * time.Millisecond)}
			for name, v := range values(at) {
				report.Readings = append(report.Readings, devices.Reading{Metric: name, Value: devices.Number(math.Round(v*100) / 100)})
			}
			reports = append(reports, report)
		}
	}
	for i := 1; i <= 9; i++ {
		phase := float64(i)
		switch {
		case i == 5: // freezer-05 went quiet this morning
			add("freezer-05", ago(24*time.Hour), ago(6*time.Hour), 2*time.Minute, freezerValues(phase))
		case i == 8: // freezer-08 warms up since an hour
			add("freezer-08", ago(24*time.Hour), ago(time.Minute), 2*time.Minute, func(at time.Time) map[string]float64 {
				v := freezerValues(phase)(at)
				v["temperature"] += 9 * between(at, ago(time.Hour), ago(10*time.Minute))
				return v
			})
		case i%3 == 2:
			add(fmt.Sprintf("freezer-%02d", i), ago(24*time.Hour), ago(time.Minute), 2*time.Minute, freezerValues(phase))
		default:
			add(fmt.Sprintf("fridge-%02d", i), ago(24*time.Hour), ago(time.Minute), 2*time.Minute, fridgeValues(i))
		}
	}
	add("washer-2", ago(8*time.Hour), ago(30*time.Second), time.Minute, func(at time.Time) map[string]float64 {
		return map[string]float64{"water_temp": wave(38, 6, at, 1), "vibration": math.Abs(wave(2, 1.4, at, 3))}
	})
	reefer := func(id string, from, to time.Time, f func(time.Time) float64) {
		add(id, from, to, 5*time.Minute, func(at time.Time) map[string]float64 {
			return map[string]float64{"temperature": f(at), "battery": math.Round(94 - at.Sub(from).Hours())}
		})
	}
	reefer("reefer-3", ago(20*time.Hour+30*time.Minute), ago(2*time.Minute), breached)
	reefer("reefer-5", ago(10*time.Hour+30*time.Minute), ago(2*time.Minute), func(at time.Time) float64 { return wave(5, 0.8, at, 1) })
	reefer("reefer-6", ago(12*time.Hour+30*time.Minute), ago(7*time.Hour), func(at time.Time) float64 { return wave(4.6, 0.9, at, 2) })
	reefer("reefer-6", ago(5*time.Hour+30*time.Minute), ago(3*time.Minute), func(at time.Time) float64 {
		return wave(4.6, 0.9, at, 2) + 5*math.Sin(math.Pi*between(at, ago(4*time.Hour), ago(2*time.Hour)))
	})
	reefer("reefer-8", time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC), time.Date(2026, 11, 20, 20, 0, 0, 0, time.UTC), func(at time.Time) float64 {
		return wave(5, 0.6, at, 2) + 9*math.Sin(math.Pi*between(at, time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC), time.Date(2026, 11, 20, 15, 0, 0, 0, time.UTC)))
	})
	for consumer, store := range map[string]history.Store{
		history.Consumer: postgres.NewHistory(r.db), history.PresenceConsumer: postgres.NewPresence(r.db),
	} {
		epoch, ok, err := r.db.AcquireLease(r.t.Context(), consumer, 0, "story", time.Hour)
		r.must(err)
		if !ok {
			r.t.Fatalf("no lease for %s", consumer)
		}
		_, err = store.Write(r.t.Context(), []history.Chunk{{Partition: 0, Epoch: epoch, Seq: 1, Reports: reports}})
		r.must(err)
		if d, ok := store.(history.Digester); ok {
			r.must(d.Flush(r.t.Context()))
		}
	}
}

func freezerValues(phase float64) func(time.Time) map[string]float64 {
	return func(at time.Time) map[string]float64 {
		return map[string]float64{"temperature": wave(-21, 1.1, at, phase), "compressor_w": math.Max(0, wave(110, 60, at, phase))}
	}
}

// fridgeValues is a fridge's day: fridge-04's fan is blocked since two hours,
// fridge-07 had its door open at noon and recovered.
func fridgeValues(i int) func(time.Time) map[string]float64 {
	return func(at time.Time) map[string]float64 {
		v := map[string]float64{
			"temperature": wave(4.4, 0.7, at, float64(i)), "compressor_w": math.Max(0, wave(80, 55, at, float64(i))), "door_open": 0,
		}
		switch i {
		case 4: // crosses 8 °C for good 78 minutes ago
			v["temperature"] = math.Round((v["temperature"]+7.5*between(at, ago(118*time.Minute), ago(15*time.Minute)))*100) / 100
			v["compressor_w"] += 70 * between(at, ago(150*time.Minute), ago(2*time.Hour))
		case 7:
			open := at.After(ago(170*time.Minute)) && at.Before(ago(140*time.Minute))
			if open {
				v["door_open"] = 1
			}
			v["temperature"] += 6 * math.Sin(math.Pi*between(at, ago(170*time.Minute), ago(95*time.Minute)))
		}
		return v
	}
}

// breached is a reefer whose cooling failed at night and was mended.
func breached(at time.Time) float64 {
	v := wave(4.8, 0.5, at, 1)
	v += 8.2 * math.Sin(math.Pi*between(at, ago(11*time.Hour), ago(5*time.Hour)))
	return math.Round(v*100) / 100
}

// tellAlarms raises and clears alarms as the engine would have.
func (r *rig) tellAlarms() {
	r.t.Helper()
	warm := func(device string) rules.Key {
		return rules.Key{Rule: "fridge-warm", Subject: rules.Subject{Type: "device", ID: device}}
	}
	raise := func(id string, key rules.Key, pending, raised time.Duration, severity rules.Severity, value float64, why ...string) rules.Transition {
		return rules.Transition{
			AlarmID: id, Key: key, Change: rules.Raised, At: ago(raised), RaisedAt: ago(raised), PendingSince: ago(pending),
			Severity: severity, Occurrences: 6, RuleVersion: 1, Mode: rules.Live,
			Values:      map[string]devices.Value{"temperature": devices.Number(value), "compressor_w": devices.Number(148.5), "door_open": devices.Number(0)},
			Explanation: why, Trace: "p3/10293/17",
		}
	}
	clear := func(of rules.Transition, cleared time.Duration) rules.Transition {
		of.Change, of.At = rules.Cleared, ago(cleared)
		of.Explanation = []string{"temperature was 6.8 °C, below 7 °C, for 5m."}
		return of
	}
	repeat := func(of rules.Transition, n int64, at time.Duration) rules.Transition {
		of.Change, of.At, of.Occurrences = rules.Repeated, ago(at), n
		return of
	}
	held := raise("alm-fridge-04", warm("fridge-04"), 78*time.Minute, 68*time.Minute, rules.Major, 8.61,
		"temperature was 8.12 °C at 13:12, above 8 °C.", "It stayed above 8 °C for 10m, by the device's clock.", "No site outage was active, so nothing suppressed it.")
	average, left := 8.37, 4.0
	held.Evidence = rules.Evidence{
		Computed: []rules.Computed{{Call: `avg(temperature, "10m")`, Value: &average, Unit: "Cel"}, {Call: `rate(temperature, "30m")`, Value: &left, Unit: "Cel/h"}},
		Held:     []rules.Suppression{{By: "door-open", Why: "while door-open was active", From: ago(75 * time.Minute)}},
	}
	escalated := held
	escalated.Explanation = []string{"Active for 30m: severity critical (rule fridge-warm v1)"}
	escalated.Change, escalated.At, escalated.Severity = rules.Escalated, ago(38*time.Minute), rules.Critical
	door := raise("alm-fridge-07", warm("fridge-07"), 160*time.Minute, 150*time.Minute, rules.Major, 9.02, "temperature was above 8 °C for 10m.")
	opened := raise("alm-door-07", rules.Key{Rule: "door-open", Subject: rules.Subject{Type: "device", ID: "fridge-07"}},
		170*time.Minute, 165*time.Minute, rules.Minor, 5.1, "door_open was 1 for 5m.")
	frozen := raise("alm-freezer-08", rules.Key{Rule: "freezer-warm", Subject: rules.Subject{Type: "device", ID: "freezer-08"}},
		35*time.Minute, 20*time.Minute, rules.Critical, -14.2, "temperature was above -15 °C for 15m.")
	frozen.Evidence.Outlook = &rules.Outlook{Metric: "temperature", Limit: -12, Unit: "Cel", At: ago(-15 * time.Minute), InSeconds: 2100}
	drain := raise("alm-washer-2", rules.Key{Rule: "drain-fault", Subject: rules.Subject{Type: "device", ID: "washer-2"}},
		5*time.Hour, 5*time.Hour, rules.Major, 41, "Fault code F15 is present: Drain pump does not run.")
	drain.Faults = []string{"F15"}
	quiet := raise("alm-freezer-05", rules.Key{Rule: "silent", Subject: rules.Subject{Type: "device", ID: "freezer-05"}},
		330*time.Minute, 330*time.Minute, rules.Minor, -21, "Nothing came for 30m; the device reports every 2m.")
	r.handle(6*time.Hour, quiet)
	r.handle(5*time.Hour, drain)
	r.handle(165*time.Minute, opened)
	r.handle(150*time.Minute, door)
	r.handle(140*time.Minute, clear(opened, 140*time.Minute))
	r.handle(100*time.Minute, clear(door, 100*time.Minute))
	r.handle(68*time.Minute, held)
	r.handle(40*time.Minute, repeat(held, 24, 40*time.Minute), escalated)
	r.handle(20*time.Minute, frozen)
	r.handle(time.Minute, repeat(held, 39, time.Minute))
	for i, old := range []string{"fridge-01", "fridge-03", "fridge-06"} {
		was := raise("alm-old-"+old, warm(old), time.Duration(22-i)*time.Hour, time.Duration(21-i)*time.Hour, rules.Major, 8.4, "temperature was above 8 °C for 10m.")
		r.handle(time.Duration(21-i)*time.Hour, was)
		r.handle(time.Duration(20-i)*time.Hour, clear(was, time.Duration(20-i)*time.Hour))
	}
	ticket := r.ticketOf("fridge-04")
	_, err := r.desk.Comment(r.t.Context(), ticket, "sam", "Called Ewa: the door closes by itself, but there is thick frost on the rear wall. Asked her to start defrost.", false)
	r.must(err)
	assignee := "sam"
	_, err = r.desk.Update(r.t.Context(), ticket, "sam", tickets.Patch{Assignee: &assignee})
	r.must(err)
	_, err = r.desk.Comment(r.t.Context(), ticket, "sam", "A technician visits tomorrow between 8 and 10.", true)
	r.must(err)
}

// handle gives the desk transitions that it hears of some time before now.
func (r *rig) handle(before time.Duration, changes ...rules.Transition) {
	r.t.Helper()
	r.must(r.db.InTx(r.t.Context(), func(tx *postgres.DB) error {
		return r.desk.Handle(r.t.Context(), tx, changes, ago(before))
	}))
}

// ticketOf returns the id of a device's latest ticket.
func (r *rig) ticketOf(device string) string {
	r.t.Helper()
	found, err := r.db.ListTickets(r.t.Context(), tickets.Query{Device: device, Limit: 1})
	r.must(err)
	if len(found) == 0 {
		r.t.Fatalf("device %s has no ticket", device)
	}
	return found[0].ID
}

// tellShipments fills the traces and lets the desk consider each shipment.
func (r *rig) tellShipments() {
	r.t.Helper()
	for _, id := range []string{"S-8990", "S-9003", "S-9002", "S-9001"} {
		_, err := r.db.BackfillTrace(r.t.Context(), id)
		r.must(err)
		r.must(r.db.InTx(r.t.Context(), func(tx *postgres.DB) error {
			_, err := r.recalls.Consider(r.t.Context(), tx, id, "", storyNow.Add(-5*time.Minute))
			return err
		}))
	}
	all, err := r.db.ListRecalls(r.t.Context(), recalls.Query{Shipment: "S-8990"})
	r.must(err)
	if len(all) != 1 {
		r.t.Fatalf("%d recalls of S-8990, want 1", len(all))
	}
	recall := all[0]
	_, err = r.recalls.Approve(r.t.Context(), recall.ID, "quinn", "Trace and stability report agree: five hours above 8 °C.")
	r.must(err)
	_, err = r.recalls.Approve(r.t.Context(), recall.ID, "pat", "Agreed.")
	r.must(err)
	for _, item := range recall.Items {
		if item.CustomerID == "C-1001" {
			_, err = r.recalls.Answer(r.t.Context(), recall.ID, "quinn", recalls.Answer{Item: item.ID, Returned: 380, Destroyed: 60, Used: 40})
			r.must(err)
		}
	}
}

// tellRefused puts messages into quarantine.
func (r *rig) tellRefused() {
	r.t.Helper()
	r.must(r.db.AddQuarantined(r.t.Context(), []ingest.Quarantined{
		{ID: "q1", Reason: ingest.UnknownDevice, Detail: "Device fridge-99 is not declared.", Topic: "telltale/fridge-99/telemetry", ClientID: "fridge-99",
			Payload: []byte(`{"ts": 1795357800000, "values": {"temperature": 4.2, "door_open": false}}`), ReceivedAt: ago(12 * time.Minute), Devices: []devices.ID{"fridge-99"}},
		{ID: "q2", Reason: ingest.Malformed, Detail: "The body is no JSON: invalid character '\\x01' at offset 0.", Topic: "telltale/washer-2/telemetry", ClientID: "washer-2",
			Payload: []byte{1, 2, 0xff, 0xfe, 0x10, 0x42, 0x90, 0x01, 0x7f, 0, 0, 0, 0x31, 0x32, 0x33, 0x34, 0x80, 0x22}, ReceivedAt: ago(3 * time.Hour)},
		{ID: "q3", Reason: ingest.ImpossibleTime, Detail: "ts is 1970-01-01T00:07:12Z: the device's clock was never set.", Topic: "telltale/fridge-03/telemetry", ClientID: "fridge-03",
			Payload: []byte(`{"ts": 432000, "values": {"temperature": 4.9}}`), ReceivedAt: ago(26 * time.Hour),
			Devices: []devices.ID{"fridge-03"}, ObservedAt: time.Unix(432, 0)},
	}))
}
