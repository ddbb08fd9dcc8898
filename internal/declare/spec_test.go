package declare_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"telltale/devices"
	"telltale/devices/shipments"
	"telltale/internal/declare"
	"telltale/rules"
	"telltale/tickets"
	"telltale/tickets/crm"
)

// reencode decodes a spec of a kind and encodes it again.
func reencode(t testing.TB, kind declare.Kind, spec []byte) json.RawMessage {
	t.Helper()
	switch kind {
	case declare.KindArticle:
		return roundTrip[*tickets.Article](t, spec)
	case declare.KindModel:
		return roundTrip[*devices.Model](t, spec)
	case declare.KindCustomer:
		return roundTrip[*crm.Customer](t, spec)
	case declare.KindMaintenance:
		return roundTrip[*rules.Maintenance](t, spec)
	case declare.KindDevice:
		return roundTrip[*devices.Device](t, spec)
	case declare.KindProfile:
		return roundTrip[*shipments.StorageProfile](t, spec)
	case declare.KindShipment:
		return roundTrip[*shipments.Shipment](t, spec)
	default:
		return roundTrip[*rules.Rule](t, spec)
	}
}

func roundTrip[T declare.Declaration](t testing.TB, spec []byte) json.RawMessage {
	t.Helper()
	decoded, err := declare.Decode[T](spec)
	if err != nil {
		t.Fatalf("decode %s: %v", spec, err)
	}
	encoded, err := declare.Encode(decoded)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// assertDecodes checks decode(encode(x)) = x.
func assertDecodes[T declare.Declaration](t *rapid.T, x T) {
	spec, err := declare.Encode(x)
	if err != nil {
		t.Fatal(err)
	}
	got, err := declare.Decode[T](spec)
	if err != nil {
		t.Fatalf("decode %s: %v", spec, err)
	}
	if diff := cmp.Diff(x, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", spec, diff)
	}
}

var (
	ids       = shared(rapid.StringMatching(`[A-Za-z0-9._:-]{1,12}`))
	words     = shared(rapid.StringMatching(`[a-zż][^\x00]{0,20}`))
	temps     = shared(rapid.Float64Range(-273, 1000))
	durations = shared(rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.Int64Range(1, int64(400*24*time.Hour/time.Millisecond)).Draw(t, "ms")) * time.Millisecond
	}))
	instants = shared(rapid.Custom(func(t *rapid.T) time.Time {
		return time.UnixMicro(rapid.Int64Range(1, 4e15).Draw(t, "us")).UTC()
	}))
)

// shared returns g as parallel tests can use it: rapid writes a generator's
// name into it when it is first asked for, which is here.
func shared[T any](g *rapid.Generator[T]) *rapid.Generator[T] {
	_ = g.String()
	return g
}

func TestSpecsReadBackAsWhatWasWritten(t *testing.T) {
	t.Parallel()
	cases := map[string]func(*rapid.T){
		"device":   func(t *rapid.T) { assertDecodes(t, drawDevice(t)) },
		"model":    func(t *rapid.T) { assertDecodes(t, drawModel(t)) },
		"rule":     func(t *rapid.T) { assertDecodes(t, drawRule(t)) },
		"profile":  func(t *rapid.T) { assertDecodes(t, drawProfile(t)) },
		"shipment": func(t *rapid.T) { assertDecodes(t, drawShipment(t)) },
	}
	for name, property := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, property)
		})
	}
}

func drawDevice(t *rapid.T) *devices.Device {
	d := &devices.Device{
		ID: devices.ID(ids.Draw(t, "id")), Model: ids.Draw(t, "model"),
		Serial: words.Draw(t, "serial"), Site: words.Draw(t, "site"), Gateway: "-/gateway",
	}
	at := instants.Draw(t, "from")
	for i := range rapid.IntRange(0, 3).Draw(t, "owners") {
		until := at.Add(time.Hour)
		d.Owners = append(d.Owners, devices.Ownership{Customer: ids.Draw(t, "customer"), From: at, Until: until})
		at = until.Add(time.Duration(i) * time.Minute)
	}
	if len(d.Owners) > 0 && rapid.Bool().Draw(t, "still") {
		d.Owners[len(d.Owners)-1].Until = time.Time{}
	}
	if rapid.Bool().Draw(t, "tagged") {
		d.Tags = rapid.MapOfN(words, words, 1, 3).Draw(t, "tags")
	}
	return d
}

func drawModel(t *rapid.T) *devices.Model {
	m := &devices.Model{ID: ids.Draw(t, "id"), ReportEvery: durations.Draw(t, "every")}
	m.StaleAfter = m.ReportEvery + durations.Draw(t, "stale")
	m.OfflineAfter = m.StaleAfter + durations.Draw(t, "offline")
	for range rapid.IntRange(0, 3).Draw(t, "metrics") {
		name := rapid.StringMatching(`[a-z]_[A-Z0-9_]{1,5}`).Draw(t, "name")
		low := temps.Draw(t, "min")
		high := low + 1
		if m.Metrics == nil {
			m.Metrics = make(map[string]devices.Metric)
		}
		m.Metrics[name] = devices.Metric{Name: name, Unit: words.Draw(t, "unit"), Min: &low, Max: &high}
	}
	if rapid.Bool().Draw(t, "faults") {
		code := words.Draw(t, "code")
		m.Faults = map[string]devices.FaultCode{code: {
			Code: code, Title: words.Draw(t, "title"), Severity: "major", Article: ids.Draw(t, "article"),
		}}
	}
	return m
}

func drawRule(t *rapid.T) *rules.Rule {
	r := &rules.Rule{
		ID: ids.Draw(t, "id"), Title: words.Draw(t, "title"), When: words.Draw(t, "when"),
		For: durations.Draw(t, "for"), ClearWhen: words.Draw(t, "clear"), ClearFor: durations.Draw(t, "clear for"),
		Severity: rules.Severity(rapid.IntRange(0, 2).Draw(t, "severity")), Latch: rapid.Bool().Draw(t, "latch"),
		Mode: rapid.SampledFrom([]rules.Mode{rules.Live, rules.Shadow, rules.Off}).Draw(t, "mode"),
	}
	if rapid.Bool().Draw(t, "escalates") {
		r.Escalate = []rules.Escalation{{After: durations.Draw(t, "after"), Severity: rules.Critical}}
	}
	if rapid.Bool().Draw(t, "escalates by condition") {
		r.Escalate = append(r.Escalate, rules.Escalation{
			When: words.Draw(t, "step"), For: durations.Draw(t, "step for"), ClearWhen: words.Draw(t, "step clear"),
			ClearFor: durations.Draw(t, "step clear for"), Severity: rules.Critical,
		})
	}
	if r.Latch && rapid.Bool().Draw(t, "latches late") {
		r.LatchFrom = rules.Critical
	}
	if rapid.Bool().Draw(t, "inhibited") {
		r.InhibitedBy = []rules.Inhibitor{{Rule: r.ID + "-a"}, {Rule: r.ID + "-b", Scope: rules.SameSite}, {Rule: r.ID + "-b", Scope: rules.SameGateway}} // a rule cannot inhibit itself
	}
	if rapid.Bool().Draw(t, "chatters") {
		r.Chattering = rules.Chattering{Times: 3, Within: time.Hour, Quiet: durations.Draw(t, "quiet")}
	}
	if rapid.Bool().Draw(t, "reopens") {
		r.ReopenWithin = durations.Draw(t, "reopen")
	}
	switch rapid.IntRange(0, 2).Draw(t, "ticket") {
	case 0:
		r.Ticket.None = true
	case 1:
		r.Ticket = rules.TicketTemplate{Subject: words.Draw(t, "subject"), Priority: "urgent", Team: words.Draw(t, "team")}
	}
	if rapid.Bool().Draw(t, "selective") {
		r.AppliesTo = rules.Selector{Models: []string{"FR-*"}, Tags: map[string]string{"a": words.Draw(t, "tag")}}
	}
	if rapid.Bool().Draw(t, "tested") {
		r.Tests = `[{"device":{"id":"d","model":"m"},"raised":1,"series":{"a":"4x5"}}]`
	}
	return r
}

func drawProfile(t *rapid.T) *shipments.StorageProfile {
	low := temps.Draw(t, "min")
	p := &shipments.StorageProfile{
		ID: ids.Draw(t, "id"), Limits: shipments.Limits{Min: low, Max: low + 6},
		IgnoreFirst: durations.Draw(t, "ignore"), Source: words.Draw(t, "source"),
	}
	sides := []shipments.Side{shipments.Above, shipments.AtOrAbove, shipments.Below, shipments.AtOrBelow}
	for range rapid.IntRange(0, 3).Draw(t, "budgets") {
		p.Budgets = append(p.Budgets, shipments.Budget{
			Side: rapid.SampledFrom(sides).Draw(t, "side"), Limit: temps.Draw(t, "limit"),
			For: durations.Draw(t, "for"), Cumulative: rapid.Bool().Draw(t, "sum"), Verdict: shipments.Review,
		})
	}
	if rapid.Bool().Draw(t, "mkt") {
		p.MKT = &shipments.MKT{Max: temps.Draw(t, "max"), Window: durations.Draw(t, "window"), ActivationEnergy: 60.5}
	}
	if rapid.Bool().Draw(t, "gaps") {
		p.Gaps = shipments.GapPolicy{LongerThan: durations.Draw(t, "longer"), CountAs: shipments.GapWorstCase}
	}
	return p
}

func drawShipment(t *rapid.T) *shipments.Shipment {
	departed := instants.Draw(t, "departed")
	s := &shipments.Shipment{
		ID: ids.Draw(t, "id"), Carrier: words.Draw(t, "carrier"), Profile: ids.Draw(t, "profile"),
		DepartedAt: departed, ArrivedAt: departed.Add(durations.Draw(t, "way").Truncate(time.Microsecond)),
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "lots") {
		lot := shipments.Lot{
			GTIN: "05901234123457", Lot: fmt.Sprint("L", i),
			Quantity: rapid.Int64Range(1, 1<<53).Draw(t, "quantity"), Unit: words.Draw(t, "unit"),
		}
		s.Lots = append(s.Lots, lot)
		s.Consignees = append(s.Consignees, shipments.Consignee{
			Customer: ids.Draw(t, "customer"), Lot: lot.Lot, Quantity: rapid.Int64Range(1, lot.Quantity).Draw(t, "part"),
		})
		s.Loggers = append(s.Loggers, shipments.Logger{
			Device: devices.ID(fmt.Sprint("logger-", i)), Metric: words.Draw(t, "metric"), From: departed,
		})
	}
	return s
}
