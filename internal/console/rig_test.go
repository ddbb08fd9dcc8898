package console

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"telltale/devices"
	"telltale/ingest"
	"telltale/ingest/codec"
	"telltale/internal/access"
	"telltale/internal/declare"
	"telltale/internal/postgres"
	"telltale/internal/postgres/pgtest"
	"telltale/rules"
	"telltale/tickets"
	"telltale/tickets/recalls"
)

// rig is a whole console over a real database.
type rig struct {
	t       testing.TB
	db      *postgres.DB
	desk    *tickets.Desk
	recalls *recalls.Desk
	gate    *access.Gate
	server  *Server
	url     string
	tokens  map[access.Role]string
	replay  *replayed

	stop func() // ends Server.Run
}

const ewasPassword = "correct horse battery"

// newRig starts a console with the declarations of the fixture, a token for
// each role and the user ewa.
func newRig(t *testing.T) *rig { return newRigWith(t, Options{}) }

func newRigWith(t *testing.T, opts Options) *rig { return ordinary.newRig(t, opts) }

// newRigOf is newRigWith with other declarations than the fixture.
func newRigOf(t *testing.T, opts Options, declarations string) *rig {
	t.Helper()
	b, db := beginWith(opts.Now, declarations, func(*rig) {}), pgtest.New(t)
	b.database.Fill(t, db)
	return b.start(t, db, opts)
}

// beginning is what the databases of several rigs hold at first.
type beginning struct {
	database pgtest.Template
	tokens   map[access.Role]string
}

// ordinary is the beginning of most tests.
var ordinary = beginWith(nil, fixture, func(*rig) {})

// beginWith describes a beginning with declarations, a token for each role,
// the user ewa, and what tell tells of by the clock now.
func beginWith(now func() time.Time, declarations string, tell func(*rig)) *beginning {
	b := &beginning{tokens: map[access.Role]string{}}
	b.database.Fill = func(t testing.TB, db *postgres.DB) {
		t.Helper()
		r := assemble(t, db, now)
		r.apply(declarations)
		for _, role := range access.Roles() {
			token, err := r.gate.CreateToken(t.Context(), role, string(role))
			r.must(err)
			b.tokens[role] = token
		}
		r.employ("ewa", "Ewa Nowak", access.Quality, ewasPassword)
		tell(r)
	}
	return b
}

// assemble returns a rig without a server.
func assemble(t testing.TB, db *postgres.DB, now func() time.Time) *rig {
	t.Helper()
	r := &rig{t: t, db: db, replay: &replayed{db: db}, gate: access.NewGate(db, access.Options{Now: now})}
	desk, err := tickets.NewDesk(&catalog{db, t}, func(ctx context.Context, f func(tickets.Store) error) error {
		return db.InTx(ctx, func(tx *postgres.DB) error { return f(tx) })
	}, tickets.Options{Now: now})
	r.must(err)
	r.desk = desk
	r.recalls = recalls.NewDesk(func(ctx context.Context, f func(recalls.Store) error) error {
		return db.InTx(ctx, func(tx *postgres.DB) error { return f(tx) })
	}, recalls.Options{Now: now})
	return r
}

// newRig starts a console on a database of its own that begins with b.
func (b *beginning) newRig(t *testing.T, opts Options) *rig {
	t.Helper()
	return b.start(t, b.database.New(t), opts)
}

// start starts a console on a database that has been filled.
func (b *beginning) start(t *testing.T, db *postgres.DB, opts Options) *rig {
	t.Helper()
	r := assemble(t, db, opts.Now)
	r.tokens = b.tokens
	opts.Log = zaptest.NewLogger(t, zaptest.Level(zap.ErrorLevel))
	registry := prometheus.NewRegistry()
	opts.Gatherer, opts.Registerer = registry, registry
	var err error
	r.server, err = New(r.deps(), opts)
	r.must(err)
	web := httptest.NewServer(r.server.Handler())
	t.Cleanup(web.Close)
	r.url = web.URL

	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	server := r.server // a test may put another in its place
	go func() {
		defer close(done)
		if err := server.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	}()
	r.stop = func() { cancel(); <-done }
	t.Cleanup(r.stop)
	return r
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) apply(text string) {
	r.t.Helper()
	set, err := declare.ParseSources(declare.Source{Name: "fixture.yaml", Text: []byte(text)})
	r.must(err)
	_, err = r.db.Apply(r.t.Context(), set, "test")
	r.must(err)
}

// fixture is what is declared in every rig.
const fixture = `
kind: Model
id: FR-200
metrics: {temperature: {unit: Cel, min: -60, max: 80}}
report_every: 1m
---
kind: Customer
id: C-1
name: Nordfrost Clinics
contacts: [{id: P-1, name: Ewa Nowak, email: ewa@nordfrost.example, roles: [owner]}]
---
kind: Customer
id: C-2
name: Baltic Pharma
---
kind: Device
id: fridge-1
model: FR-200
serial: SN-1
site: Warsaw
owners: [{customer: C-1, from: 2026-01-01T00:00:00Z}]
---
kind: Device
id: fridge-2
model: FR-200
---
kind: StorageProfile
id: vaccine
limits: {min: 2, max: 8}
budgets: [{above: 8, for: 1h, verdict: reject}]
source: "Stability report SR-1"
---
kind: Shipment
id: S-1
profile: vaccine
loggers: [{device: fridge-2, from: 2026-03-01T06:00:00Z}]
departed: 2026-03-01T06:00:00Z
lots: [{gtin: "05901234123457", lot: A17, quantity: 100, unit: vial}]
consignees: [{customer: C-1, lot: A17, quantity: 60}, {customer: C-2, lot: A17, quantity: 40}]
---
kind: Rule
id: warm
title: Compartment too warm
when: temperature > 8
severity: major
`

// catalog reads the declarations anew each time.
type catalog struct {
	db *postgres.DB
	t  testing.TB
}

func (c *catalog) Rule(id string, _ int) (*rules.Rule, bool) {
	all, err := c.db.LoadRules(c.t.Context())
	if err != nil {
		c.t.Error(err)
	}
	for _, r := range all {
		if r.ID == id {
			return &r, true
		}
	}
	return nil, false
}

func (c *catalog) Directory() *devices.Directory {
	d, err := c.db.LoadDirectory(c.t.Context())
	if err != nil {
		c.t.Error(err)
	}
	return d
}

// replayed notes what is given to the pipeline again.
type replayed struct {
	db      *postgres.DB
	mu      sync.Mutex
	ids     []string
	fails   map[string]error
	refuses map[string]bool
}

func (r *replayed) Work(ctx context.Context) error {
	for {
		_, more, err := r.db.ReplayRound(ctx, 1, time.Now(), func(messages []ingest.Quarantined) ([]ingest.Verdict, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			verdicts := make([]ingest.Verdict, len(messages))
			for i, m := range messages {
				if err := r.fails[m.ID]; err != nil {
					return nil, err
				}
				if verdicts[i] = r.Judge(m); verdicts[i].Refused == nil {
					r.ids = append(r.ids, m.ID)
				}
			}
			return verdicts, nil
		})
		if err != nil || !more {
			return err
		}
	}
}

func (r *replayed) Judge(m ingest.Quarantined) ingest.Verdict {
	if r.refuses[m.ID] {
		return ingest.Verdict{Refused: &m}
	}
	return ingest.Verdict{}
}

// Preview reads native messages.
func (r *replayed) Preview(m ingest.Quarantined) ([]devices.Report, error) {
	native, err := codec.NewNative("topic[1]")
	if err != nil {
		return nil, err
	}
	return native.Decode(nil, codec.Payload{Topic: m.Topic, Body: m.Payload, ReceivedAt: m.ReceivedAt})
}

// raise makes alarms of the rule warm on fridge-1, one after the other: each
// clears the one before.
func (r *rig) raise(ids ...string) {
	r.t.Helper()
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	for i, id := range ids {
		at = at.Add(time.Duration(i+1) * time.Minute)
		key := rules.Key{Rule: "warm", Subject: rules.Subject{Type: "device", ID: "fridge-1"}}
		var changes []rules.Transition
		if i > 0 {
			changes = append(changes, rules.Transition{AlarmID: ids[i-1], Key: key, Change: rules.Cleared, At: at, RuleVersion: 1, Mode: rules.Live})
		}
		changes = append(changes, rules.Transition{
			AlarmID: id, Key: key, Change: rules.Raised, At: at, RaisedAt: at, PendingSince: at,
			Severity: rules.Major, Occurrences: 1, RuleVersion: 1, Mode: rules.Live,
			Values:      map[string]devices.Value{"temperature": devices.Number(9.5)},
			Explanation: []string{"temperature was 9.5, above 8"},
		})
		r.must(r.db.InTx(r.t.Context(), func(tx *postgres.DB) error {
			return r.desk.Handle(r.t.Context(), tx, changes, time.Now())
		}))
	}
}

// answer is what came back.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
}

// do sends a request as a role; "" sends no token.
func (r *rig) do(role access.Role, method, path, body string, headers ...string) answer {
	r.t.Helper()
	return r.send(http.DefaultClient, r.tokens[role], method, path, body, headers...)
}

func (r *rig) send(client *http.Client, token, method, path, body string, headers ...string) answer {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	r.must(err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := client.Do(req)
	r.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	r.must(err)
	return answer{r.t, resp.StatusCode, resp.Header, text}
}

// admin sends a request as admin and expects a status.
func (r *rig) admin(want int, method, path, body string, headers ...string) answer {
	r.t.Helper()
	a := r.do(access.Admin, method, path, body, headers...)
	if a.status != want {
		r.t.Fatalf("%s %s: status %d, want %d: %s", method, path, a.status, want, a.body)
	}
	return a
}

// json decodes the body.
func (a answer) json() map[string]any {
	a.t.Helper()
	var out map[string]any
	decoder := json.NewDecoder(bytes.NewReader(a.body))
	decoder.UseNumber()
	if err := decoder.Decode(&out); err != nil {
		a.t.Fatalf("body is no JSON object: %v: %s", err, a.body)
	}
	return out
}

// ids lists the ids of a list's items.
func (a answer) ids() []string {
	a.t.Helper()
	var out []string
	items, _ := a.json()["items"].([]any)
	for _, item := range items {
		id, _ := item.(map[string]any)["id"].(string)
		out = append(out, id)
	}
	return out
}

// problem checks that the answer is a problem document and returns its detail.
func (a answer) problem(want int) string {
	a.t.Helper()
	if a.status != want {
		a.t.Fatalf("status %d, want %d: %s", a.status, want, a.body)
	}
	if ct := a.header.Get("Content-Type"); ct != "application/problem+json" {
		a.t.Errorf("content type %q", ct)
	}
	p := a.json()
	if s, _ := p["status"].(json.Number); s.String() != http.StatusText(0) && p["title"] != http.StatusText(want) {
		a.t.Errorf("title %v does not fit status %d", p["title"], want)
	}
	detail, _ := p["detail"].(string)
	if detail == "" {
		a.t.Errorf("no detail: %s", a.body)
	}
	return detail
}

// browser is a client with cookies that does not follow redirects.
func browser(t testing.TB) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// serve runs one request through a handler alone.
func serve(t *testing.T, h http.Handler, method, target string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}
