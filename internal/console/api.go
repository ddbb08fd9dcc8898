package console

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"telltale/internal/access"
	"telltale/internal/idempotency"
	"telltale/rules/backtest"
	"telltale/rules/excursion"
	"telltale/tickets"
	"telltale/tickets/recalls"
)

// Limits of request bodies, in bytes.
const (
	maxBody        = 1 << 20
	maxDeclaration = 16 << 20
)

// keepAnswers is how long a repeated request finds its first answer.
const keepAnswers = 24 * time.Hour

// rest serves the resources of the API.
type rest struct {
	*Server

	api huma.API
}

// apiRoute is the pattern that all resources but the event stream are behind.
const apiRoute = "/api/v1/"

// registerAPI adds the REST resources and their description. It returns the
// mux of the resources.
func (s *Server) registerAPI(mux *http.ServeMux) *http.ServeMux {
	inner := http.NewServeMux()
	a := &rest{Server: s, api: humago.New(inner, s.apiConfig())}
	a.registerMe()
	a.registerTickets()
	a.registerAlarms()
	a.registerHeldAlarms()
	a.registerCustomers()
	a.registerDevices()
	a.registerUnclaimed()
	a.registerShipments()
	a.registerRecalls()
	a.registerDeclarations()
	a.registerRules()
	a.registerRuleVersions()
	a.registerRuleCheck()
	a.registerBacktest()
	a.registerBacktests()
	a.registerQuarantine()
	a.registerImports()
	a.registerSources()
	a.registerTraces()
	a.describeEvents()

	mux.Handle("GET /api/openapi.json", inner)
	once := idempotency.New(s.deps.Answers,
		func(r *http.Request) string { return actorOf(r.Context()) },
		func(w http.ResponseWriter, _ *http.Request, status int, detail string) {
			writeProblem(w, status, detail)
		},
		s.writeError)
	mux.Handle(apiRoute, s.authenticated(access.Read, once.Wrap(maxDeclaration, known(inner))))
	return inner
}

// known answers paths and methods that no resource has with a problem
// document, where the plain mux would answer in text.
func known(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status, detail := checkAddress(r.URL); detail != "" {
			writeProblem(w, status, detail)
			return
		}
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		probe := &discard{header: make(http.Header)}
		mux.ServeHTTP(probe, r) // fills Allow when only the method is wrong
		if allow := probe.header.Get("Allow"); allow != "" {
			w.Header().Set("Allow", allow)
			writeProblem(w, http.StatusMethodNotAllowed, r.Method+" is not possible here; possible: "+allow+".")
			return
		}
		writeProblem(w, http.StatusNotFound, "There is no "+r.URL.Path+". The resources are listed in /api/openapi.json.")
	})
}

// discard is a response that nobody reads.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

func (s *Server) apiConfig() huma.Config {
	c := huma.DefaultConfig("Telltale", s.opts.Version)
	c.Info.Description = "Device telemetry into service tickets and shipment recalls."
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	c.OpenAPIPath = "/api/openapi"
	c.DocsPath, c.SchemasPath = "", "" // those pages would load scripts from a CDN
	c.CreateHooks = nil                // no $schema member in answers
	c.RejectUnknownQueryParameters = true
	c.Formats = map[string]huma.Format{"application/json": jsonFormat(), "json": jsonFormat()}
	c.Transformers = []huma.Transformer{explain}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer":  {Type: "http", Scheme: "bearer", Description: "A token from `telltale token create`."},
		"session": {Type: "apiKey", In: "cookie", Name: "telltale", Description: "A browser's login; changes also need X-CSRF-Token."},
	}
	c.Security = []map[string][]string{{"bearer": {}}, {"session": {}}}
	return c
}

// schemaName names a type in the description: a view by what it shows, since
// every domain package calls its main one View.
func schemaName(t reflect.Type, hint string) string {
	switch t {
	case reflect.TypeFor[tickets.View]():
		return "Ticket"
	case reflect.TypeFor[recalls.View]():
		return "Recall"
	case reflect.TypeFor[excursion.View]():
		return "Assessment"
	case reflect.TypeFor[backtest.Alarm]():
		return "BacktestAlarm"
	}
	if t.Kind() == reflect.Struct && t.Name() == "" {
		if items, ok := t.FieldByName("Items"); ok {
			return schemaName(items.Type.Elem(), hint) + "List"
		}
	}
	return strings.TrimSuffix(huma.DefaultSchemaNamer(t, hint), "View")
}

// maxEcho bounds what a problem repeats of the request, in bytes.
const maxEcho = 200

// explain puts what is wrong into the detail of a problem, for people who read
// one line. The list of all faults stays beside it.
func explain(_ huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	if m.Type == "" {
		m.Type = "about:blank"
	}
	if len(m.Errors) == 0 {
		return m, nil
	}
	parts := make([]string, 0, len(m.Errors))
	for _, e := range m.Errors {
		if text, ok := e.Value.(string); ok && len(text) > maxEcho {
			e.Value = nil // a whole body is no help
		}
		if e.Location == "" {
			parts = append(parts, e.Message)
			continue
		}
		parts = append(parts, e.Location+": "+e.Message)
	}
	m.Detail = strings.Join(parts, "; ")
	return m, nil
}

// authenticated lets through who may do a, and whose request no other site
// can have caused.
func (s *Server) authenticated(a access.Action, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		r, err := s.identify(r)
		p, _ := principalOf(r.Context())
		switch {
		case errors.Is(err, access.ErrDenied):
			w.Header().Set("WWW-Authenticate", `Bearer realm="telltale"`)
			writeProblem(w, http.StatusUnauthorized, "Send a valid token as Authorization: Bearer TOKEN, or log in.")
		case err != nil:
			s.writeError(w, r, err)
		case s.forged(r):
			writeProblem(w, http.StatusForbidden, "A change made with a browser's session needs the header "+csrfHeader+".")
		case !p.Can(a):
			writeProblem(w, http.StatusForbidden, forbidden(p, a))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (s *Server) writeError(w http.ResponseWriter, r *http.Request, err error) {
	status, sentence := s.judge(r.Context(), err)
	writeProblem(w, status, sentence)
}

// route adds one operation: who may use it, and what it does. Errors of
// handle become problems by the one table.
func route[I, O any](s *rest, op huma.Operation, a access.Action, handle func(context.Context, *I) (*O, error)) {
	op.Path = "/api/v1" + op.Path
	op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusForbidden)
	op.Metadata = map[string]any{"action": a}
	if op.Description != "" {
		op.Description += "\n\n"
	}
	op.Description += "Roles: " + access.Need(a) + "."
	op.Middlewares = append(op.Middlewares, func(ctx huma.Context, next func(huma.Context)) {
		if p, _ := principalOf(ctx.Context()); !p.Can(a) {
			_ = huma.WriteErr(s.api, ctx, http.StatusForbidden, forbidden(p, a))
			return
		}
		next(ctx)
	})
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		return out, nil
	})
}

// meAnswer says who asks.
type meAnswer struct {
	Body struct {
		Actor   string   `json:"actor" doc:"The name that timelines and signatures carry"`
		Name    string   `json:"name"`
		Role    string   `json:"role" enum:"admin,support,quality,viewer"`
		Actions []string `json:"actions" doc:"What the role permits"`
	}
}

func (s *rest) registerMe() {
	route(s, huma.Operation{
		OperationID: "get-me", Method: http.MethodGet, Path: "/me", Summary: "Who am I", Tags: []string{"access"},
	}, access.Read, func(ctx context.Context, _ *struct{}) (*meAnswer, error) {
		p, _ := principalOf(ctx)
		out := &meAnswer{}
		out.Body.Actor, out.Body.Name, out.Body.Role = p.Actor, p.Name, string(p.Role)
		out.Body.Actions = []string{}
		for _, a := range access.Actions() {
			if p.Can(a) {
				out.Body.Actions = append(out.Body.Actions, string(a))
			}
		}
		return out, nil
	})
}
