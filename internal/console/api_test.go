package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"telltale/internal/access"
)

// operation is one method of one path of the API's description.
type operation struct {
	method, path string
}

// permissions says for every operation which action it needs. An operation
// that is missing here fails the test.
func permissions() map[operation]access.Action {
	return map[operation]access.Action{
		{"GET", "/api/v1/me"}:                            access.Read,
		{"GET", "/api/v1/tickets"}:                       access.Read,
		{"GET", "/api/v1/tickets/{id}"}:                  access.Read,
		{"PATCH", "/api/v1/tickets/{id}"}:                access.WorkTickets,
		{"POST", "/api/v1/tickets/{id}/comments"}:        access.WorkTickets,
		{"POST", "/api/v1/complaints"}:                   access.FileComplaint,
		{"GET", "/api/v1/alarms"}:                        access.Read,
		{"GET", "/api/v1/alarms/{id}"}:                   access.Read,
		{"GET", "/api/v1/held-alarms"}:                   access.Read,
		{"GET", "/api/v1/held-alarms/{id}"}:              access.Read,
		{"POST", "/api/v1/alarms/{id}/acknowledge"}:      access.HandleAlarms,
		{"POST", "/api/v1/alarms/{id}/shelve"}:           access.HandleAlarms,
		{"POST", "/api/v1/alarms/{id}/unshelve"}:         access.HandleAlarms,
		{"GET", "/api/v1/customers"}:                     access.Read,
		{"GET", "/api/v1/customers/{id}"}:                access.Read,
		{"GET", "/api/v1/devices"}:                       access.Read,
		{"GET", "/api/v1/devices/{id}"}:                  access.Read,
		{"GET", "/api/v1/devices/{id}/readings"}:         access.Read,
		{"GET", "/api/v1/devices/{id}/logger-alarms"}:    access.Read,
		{"POST", "/api/v1/readings/import"}:              access.Declare,
		{"GET", "/api/v1/shipments"}:                     access.Read,
		{"GET", "/api/v1/shipments/{id}"}:                access.Read,
		{"GET", "/api/v1/shipments/{id}/assessment"}:     access.Read,
		{"GET", "/api/v1/holds"}:                         access.Read,
		{"POST", "/api/v1/holds/{id}/release"}:           access.DecideRecalls,
		{"GET", "/api/v1/recalls"}:                       access.Read,
		{"GET", "/api/v1/recalls/{id}"}:                  access.Read,
		{"POST", "/api/v1/recalls"}:                      access.DecideRecalls,
		{"POST", "/api/v1/recalls/{id}/approve"}:         access.DecideRecalls,
		{"POST", "/api/v1/recalls/{id}/reject"}:          access.DecideRecalls,
		{"POST", "/api/v1/recalls/{id}/close"}:           access.DecideRecalls,
		{"POST", "/api/v1/recalls/{id}/answers"}:         access.DecideRecalls,
		{"GET", "/api/v1/rules"}:                         access.Read,
		{"GET", "/api/v1/rules/{id}"}:                    access.Read,
		{"PUT", "/api/v1/rules/{id}"}:                    access.Declare,
		{"POST", "/api/v1/rules/backtest"}:               access.Backtest,
		{"POST", "/api/v1/backtests"}:                    access.Backtest,
		{"GET", "/api/v1/backtests"}:                     access.Backtest,
		{"GET", "/api/v1/backtests/{id}"}:                access.Backtest,
		{"DELETE", "/api/v1/backtests/{id}"}:             access.Backtest,
		{"POST", "/api/v1/plan"}:                         access.Declare,
		{"POST", "/api/v1/apply"}:                        access.Declare,
		{"GET", "/api/v1/quarantine"}:                    access.Read,
		{"GET", "/api/v1/quarantine/{id}"}:               access.Read,
		{"GET", "/api/v1/quarantine/replays"}:            access.Read,
		{"GET", "/api/v1/quarantine/replays/{number}"}:   access.Read,
		{"GET", "/api/v1/devices/unclaimed"}:             access.Read,
		{"POST", "/api/v1/devices/unclaimed/claim"}:      access.Declare,
		{"POST", "/api/v1/devices/unclaimed/{id}/claim"}: access.Declare,
		{"POST", "/api/v1/quarantine/replay"}:            access.HandleRefused,
		{"POST", "/api/v1/rules/check"}:                  access.Declare,
		{"GET", "/api/v1/rules/{id}/versions"}:           access.Read,
		{"GET", "/api/v1/rules/{id}/versions/{version}"}: access.Read,
		{"GET", "/api/v1/sources"}:                       access.Read,
		{"POST", "/api/v1/codecs/try"}:                   access.HandleRefused,
		{"GET", "/api/v1/trace/{id}"}:                    access.Read,
		{"GET", "/api/v1/events"}:                        access.Read,
	}
}

// operations reads the API's description.
func (r *rig) operations() []operation {
	r.t.Helper()
	var doc struct {
		OpenAPI string                                `json:"openapi"`
		Paths   map[string]map[string]json.RawMessage `json:"paths"`
	}
	a := r.do("", "GET", "/api/openapi.json", "")
	if err := json.Unmarshal(a.body, &doc); err != nil {
		r.t.Fatalf("the description is no JSON: %v", err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") {
		r.t.Errorf("openapi is %q, want 3.1", doc.OpenAPI)
	}
	var out []operation
	for path, methods := range doc.Paths {
		for method := range methods {
			out = append(out, operation{strings.ToUpper(method), path})
		}
	}
	return out
}

func TestTheDescriptionListsEveryRoute(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	described := r.operations()
	for op := range permissions() {
		if !slices.Contains(described, op) {
			t.Errorf("%s %s is not described", op.method, op.path)
		}
	}
	for _, op := range described {
		if _, ok := permissions()[op]; !ok {
			t.Errorf("%s %s is in no table of permissions", op.method, op.path)
		}
	}
}

func TestEveryRouteForEveryRole(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for op, action := range permissions() {
		if op.path == "/api/v1/events" {
			continue // does not end; see events_test.go
		}
		path := strings.ReplaceAll(op.path, "{id}", "nothing")
		if detail := r.do("", op.method, path, "").problem(http.StatusUnauthorized); !strings.Contains(detail, "Bearer") {
			t.Errorf("%s %s without a token: %q does not say what to send", op.method, op.path, detail)
		}
		for _, role := range access.Roles() {
			a := r.do(role, op.method, path, "")
			if !role.May(action) {
				if detail := a.problem(http.StatusForbidden); !strings.Contains(detail, access.Need(action)) {
					t.Errorf("%s %s as %s: %q does not name the role needed", op.method, op.path, role, detail)
				}
				continue
			}
			if a.status == http.StatusForbidden || a.status == http.StatusUnauthorized || a.status >= 500 {
				t.Errorf("%s %s as %s: status %d: %s", op.method, op.path, role, a.status, a.body)
			}
		}
	}
}

func TestAWrongTokenIsToldHowToAuthenticate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, header := range []string{"Bearer tt_wrong", "Bearer", "Basic ZXdhOnB3", "tt_wrong"} {
		a := r.do("", "GET", "/api/v1/me", "", "Authorization", header)
		a.problem(http.StatusUnauthorized)
		if got := a.header.Get("WWW-Authenticate"); !strings.HasPrefix(got, "Bearer") {
			t.Errorf("%q: WWW-Authenticate is %q", header, got)
		}
	}
}

func TestWrongInputIsRefusedByName(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.raise("A1")
	cases := []struct {
		name, method, path, body string
		status                   int
		names                    string // what the detail must name
	}{
		{"an unknown query parameter", "GET", "/api/v1/tickets?colour=red", "", 422, "colour"},
		{"an unknown body field", "POST", "/api/v1/tickets/T-000001/comments", `{"text": "a", "colour": "red"}`, 422, "colour"},
		{"a missing body field", "POST", "/api/v1/tickets/T-000001/comments", `{}`, 422, "text"},
		{"a field of the wrong type", "POST", "/api/v1/tickets/T-000001/comments", `{"text": 7}`, 422, "body.text"},
		{"a body that is no JSON", "POST", "/api/v1/tickets/T-000001/comments", `{"text": `, 400, "JSON"},
		{"a limit of zero", "GET", "/api/v1/tickets?limit=0", "", 422, "limit"},
		{"a limit above the most", "GET", "/api/v1/tickets?limit=501", "", 422, "limit"},
		{"a limit that is no number", "GET", "/api/v1/tickets?limit=many", "", 422, "limit"},
		{"a cursor of nothing", "GET", "/api/v1/tickets?cursor=xyz", "", 422, "cursor"},
		{"a cursor of another list", "GET", "/api/v1/tickets?cursor=" + cursor("alarms", "A1"), "", 422, "cursor"},
		{"a cursor with a forged key", "GET", "/api/v1/tickets?cursor=" + cursor("tickets", "1; drop"), "", 422, "cursor"},
		{"a cursor with a zero byte", "GET", "/api/v1/devices?cursor=" + cursor("devices", "a\x00"), "", 422, "cursor"},
		{"an unknown status", "GET", "/api/v1/tickets?status=done", "", 422, "status"},
		{"a device id with a zero byte", "GET", "/api/v1/devices/a%00b", "", 404, "device"},
		{"a filter with a zero byte", "GET", "/api/v1/tickets?device=a%00b", "", 422, "device"},
		{"a filter that is no UTF-8", "GET", "/api/v1/tickets?device=a%ff", "", 422, "device"},
		{"a text with a zero byte", "POST", "/api/v1/complaints", `{"customer_id": "C\u00001", "text": "a"}`, 400, "zero byte"},
		{"a filter given twice", "GET", "/api/v1/tickets?device=a&device=b", "", 422, "device"},
		{"a query that cannot be read", "GET", "/api/v1/tickets?device=%zz", "", 400, "%zz"},
		{"an unknown ticket", "GET", "/api/v1/tickets/T-999999", "", 404, "T-999999"},
		{"a ticket id that cannot be", "GET", "/api/v1/tickets/7", "", 404, "7"},
		{"an unknown alarm", "GET", "/api/v1/alarms/nothing", "", 404, "nothing"},
		{"an unknown customer", "GET", "/api/v1/customers/nobody", "", 404, "customer"},
		{"an unknown device", "GET", "/api/v1/devices/nothing", "", 404, "device"},
		{"an unknown rule", "GET", "/api/v1/rules/nothing", "", 404, "nothing"},
		{"an unknown path", "GET", "/api/v1/nothing", "", 404, "/api/v1/nothing"},
		{"a method the path does not have", "DELETE", "/api/v1/tickets/T-000001", "", 405, "DELETE"},
		{"a patch of nothing", "PATCH", "/api/v1/tickets/T-000001", `{}`, 422, "status"},
		{"a patch to a status that is none", "PATCH", "/api/v1/tickets/T-000001", `{"status": "done"}`, 422, "status"},
		{"closing what is not solved", "PATCH", "/api/v1/tickets/T-000001", `{"status": "closed"}`, 409, "solved"},
		{"shelving without saying how long", "POST", "/api/v1/alarms/A1/shelve", `{"reason": "a"}`, 422, "until"},
		{"shelving for no duration", "POST", "/api/v1/alarms/A1/shelve", `{"reason": "a", "for": "soon"}`, 422, "for"},
		{"shelving for too long", "POST", "/api/v1/alarms/A1/shelve", `{"reason": "a", "for": "900d"}`, 422, "at most"},
		{"a complaint of nobody", "POST", "/api/v1/complaints", `{"customer_id": "C-9", "text": "cold"}`, 422, "customer_id"},
		{"a complaint about another's device", "POST", "/api/v1/complaints", `{"customer_id": "C-2", "text": "warm", "device_id": "fridge-1"}`, 422, "fridge-1"},
		{"an unknown shipment", "GET", "/api/v1/shipments/S-9", "", 404, "S-9"},
		{"the assessment of an unknown shipment", "GET", "/api/v1/shipments/S-9/assessment", "", 404, "S-9"},
		{"an unknown recall", "GET", "/api/v1/recalls/R-0009", "", 404, "R-0009"},
		{"approving an unknown recall", "POST", "/api/v1/recalls/R-0009/approve", "", 404, "R-0009"},
		{"a recall of nothing", "POST", "/api/v1/recalls", `{"reason": "a"}`, 422, "shipments or lots"},
		{"a recall of an unknown shipment", "POST", "/api/v1/recalls", `{"reason": "a", "shipment_ids": ["S-9"]}`, 422, "S-9"},
		{"a class that is none", "POST", "/api/v1/recalls", `{"reason": "a", "shipment_ids": ["S-1"], "class": "IV"}`, 422, "class"},
		{"releasing an unknown hold", "POST", "/api/v1/holds/H-0009/release", `{"reason": "a"}`, 404, "H-0009"},
		{"readings of no metric", "GET", "/api/v1/devices/fridge-1/readings", "", 422, "metric"},
		{"readings that end before they begin", "GET", "/api/v1/devices/fridge-1/readings?metric=temperature&from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", "", 422, "from"},
		{"readings in a step that is none", "GET", "/api/v1/devices/fridge-1/readings?metric=temperature&step=often", "", 422, "step"},
		{"readings in too many steps", "GET", "/api/v1/devices/fridge-1/readings?metric=temperature&from=2020-01-01T00:00:00Z&step=1s", "", 422, "step"},
		{"a time that is none", "GET", "/api/v1/devices/fridge-1/readings?metric=temperature&from=yesterday", "", 422, "from"},
		{"a backtest of nothing", "POST", "/api/v1/rules/backtest", `{"rules": "kind: Rule\nid: r\nwhen: temperature > 1"}`, 422, "readings"},
		{"a backtest of a rule that is none", "POST", "/api/v1/rules/backtest", `{"rules": "kind: Rule\nid: r\nwhen: temperature >", "readings": "time,device,metric,value\n"}`, 422, "when"},
		{"a backtest of readings that are none", "POST", "/api/v1/rules/backtest", `{"rules": "kind: Rule\nid: r\nwhen: temperature > 1", "readings": "time,device,metric,value\nnow,d,temperature,1\n"}`, 422, "line 2"},
		{"a backtest on an unknown device", "POST", "/api/v1/rules/backtest", `{"rules": "kind: Rule\nid: r\nwhen: temperature > 1", "devices": ["x"], "from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"}`, 422, "devices"},
		{"an unknown reason", "GET", "/api/v1/quarantine?reason=ugly", "", 422, "reason"},
		{"a replay of nothing", "POST", "/api/v1/quarantine/replay", `{}`, 422, "reason"},
		{"a replay of two things", "POST", "/api/v1/quarantine/replay", `{"reason": "malformed", "ids": ["a"]}`, 422, "reason"},
	}
	for _, c := range cases {
		a := r.do(access.Admin, c.method, c.path, c.body)
		if a.status != c.status {
			t.Errorf("%s: status %d, want %d: %s", c.name, a.status, c.status, a.body)
			continue
		}
		if detail := a.problem(c.status); !strings.Contains(detail, c.names) {
			t.Errorf("%s: the detail does not name %q: %s", c.name, c.names, detail)
		}
	}
}

func TestABodyAboveTheLimitIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	big := fmt.Sprintf(`{"text": %q}`, strings.Repeat("x", maxBody))
	for _, headers := range [][]string{nil, {"Idempotency-Key", "k"}} {
		r.do(access.Admin, "POST", "/api/v1/tickets/T-000001/comments", big, headers...).problem(http.StatusRequestEntityTooLarge)
	}
}

func TestListsAreWalkedByCursorWithoutHolesOrRepeats(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.raise("A1", "A2", "A3", "A4", "A5")
	walk := func(path string) []string {
		var all []string
		for next := ""; ; {
			body := r.admin(200, "GET", path+"limit=2&cursor="+next, "")
			all = append(all, body.ids()...)
			next, _ = body.json()["next"].(string)
			if next == "" {
				return all
			}
		}
	}
	if got, want := walk("/api/v1/alarms?"), []string{"A5", "A4", "A3", "A2", "A1"}; !slices.Equal(got, want) {
		t.Errorf("alarms %v, want %v", got, want)
	}
	if got, want := walk("/api/v1/tickets?"), []string{"T-000005", "T-000004", "T-000003", "T-000002", "T-000001"}; !slices.Equal(got, want) {
		t.Errorf("tickets %v, want %v", got, want)
	}
	if got, want := walk("/api/v1/devices?"), []string{"fridge-1", "fridge-2"}; !slices.Equal(got, want) {
		t.Errorf("devices %v, want %v", got, want)
	}
	if got, want := walk("/api/v1/customers?"), []string{"C-1", "C-2"}; !slices.Equal(got, want) {
		t.Errorf("customers %v, want %v", got, want)
	}
}

func TestMeSaysWhoAsksAndWhatTheyMayDo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	me := r.do(access.Viewer, "GET", "/api/v1/me", "").json()
	if me["actor"] != "token:viewer" || me["role"] != "viewer" || fmt.Sprint(me["actions"]) != "[read]" {
		t.Errorf("me is %v", me)
	}
}
