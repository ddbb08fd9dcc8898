package console

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/ingest"
	"telltale/internal/views"
	"telltale/rules"
	"telltale/tickets"
	"telltale/tickets/recalls"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// as returns a browser in which somebody of the story is logged in.
func (r *rig) as(login string) *http.Client {
	r.t.Helper()
	person, known := storyPeople()[login]
	if !known {
		r.t.Fatalf("nobody in the story is called %s", login)
	}
	r.employ(login, person.name, person.role, storyPassword)
	c := browser(r.t)
	a := r.form(c, "/login", url.Values{"login": {login}, "password": {storyPassword}})
	if a.status != http.StatusSeeOther {
		r.t.Fatalf("log in as %s: status %d", login, a.status)
	}
	return c
}

// visit opens a page and expects a status.
func (r *rig) visit(c *http.Client, want int, path string, headers ...string) string {
	r.t.Helper()
	a := r.send(c, "", "GET", path, "", headers...)
	if a.status != want {
		r.t.Fatalf("GET %s: status %d, want %d: %s", path, a.status, want, said(string(a.body)))
	}
	return string(a.body)
}

// press posts a form with the session's token and expects a status.
func (r *rig) press(c *http.Client, want int, path string, values url.Values) answer {
	r.t.Helper()
	values.Set(csrfField, r.csrfOf(c))
	a := r.form(c, path, values)
	if a.status != want {
		r.t.Fatalf("POST %s: status %d, want %d: %s", path, a.status, want, said(string(a.body)))
	}
	return a
}

var (
	unseen = regexp.MustCompile(`(?s)<head>.*?</head>|<svg.*?</svg>|<aside class="side">.*?</aside>|<header.*?</header>|<nav class="tabbar".*?</nav>|<select.*?</select>|<details><summary>Show as a table.*?</details>`)
	blocks = regexp.MustCompile(`</?(?:p|h1|h2|li|tr|dt|section|div|form|article|figcaption|table|details|summary)\b[^>]*>`)
	tags   = regexp.MustCompile(`<[^>]*>`)
	spaces = regexp.MustCompile(`[ \t\n]+`)
)

// said is what a page says: its text, a block per line.
func said(page string) string {
	page = unseen.ReplaceAllString(page, "")
	var lines []string
	for _, line := range strings.Split(blocks.ReplaceAllString(strings.ReplaceAll(page, "\n", " "), "\n"), "\n") {
		line = html.UnescapeString(tags.ReplaceAllString(line, " "))
		line = strings.TrimSpace(spaces.ReplaceAllString(strings.ReplaceAll(line, thin, " "), " "))
		if line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

func TestPagesSayWhatTheyShould(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	c := r.as("vera")
	for name, path := range map[string]string{
		"overview": "/", "tickets": "/tickets", "ticket": "/tickets/" + r.ticketOf("fridge-04"), "alarm": "/alarms/alm-fridge-04",
		"shipments": "/shipments", "shipment": "/shipments/S-9003", "recalls": "/recalls", "recall": "/recalls/R-0001",
		"device": "/devices/washer-2", "customer": "/customers/C-1004", "rules": "/rules", "quarantine": "/quarantine", "unclaimed": "/devices/unclaimed", "sources": "/sources",
	} {
		got := said(r.visit(c, http.StatusOK, path))
		golden := filepath.Join("testdata", "pages", name+".txt")
		if *update {
			r.must(os.MkdirAll(filepath.Dir(golden), 0o755))
			r.must(os.WriteFile(golden, []byte(got), 0o644))
			continue
		}
		want, err := os.ReadFile(golden)
		r.must(err)
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func TestWhatDoesNotExistHasAPageThatSaysSo(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	c := r.as("anna")
	for _, path := range []string{
		"/nothing", "/tickets/T-999999", "/tickets/x", "/alarms/nope", "/shipments/S-0", "/recalls/R-0999",
		"/devices/nobody", "/customers/C-0", "/devices/a%2Fb", "/static/none.js",
	} {
		body := r.visit(c, http.StatusNotFound, path)
		if !strings.HasPrefix(path, "/static/") && !strings.Contains(body, "Go to the overview") {
			t.Errorf("%s leads nowhere: %s", path, said(body))
		}
	}
	for _, path := range []string{"/charts/alarm/nope", "/charts/device/nobody?metric=temperature", "/charts/device/fridge-04?metric=nope", "/charts/shipment/S-0"} {
		r.send(c, "", "GET", path, "").problem(http.StatusNotFound)
	}
}

func TestWhatIsNoTextIsRefused(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	sam := r.as("sam")
	for _, path := range []string{"/devices/%00", "/devices/%ff", "/alarms/a%00", "/customers/%c3%28", "/tickets?q=%00", "/shipments?q=%ff", "/devices?q=a&model=%00", "/tickets?after=%00", "/charts/shipment/%00"} {
		r.visit(sam, http.StatusBadRequest, path)
	}
	ticket := ticketPath(r.ticketOf("fridge-04"))
	r.press(sam, http.StatusBadRequest, ticket+"/comments", url.Values{"text": {"a\x00b"}})
	r.press(sam, http.StatusBadRequest, ticket, url.Values{"assignee": {"\xff"}})
}

func TestAProblemKeepsTheNavigationOfWhoIsLoggedIn(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	if page := r.visit(r.as("sam"), http.StatusNotFound, "/nothing"); !strings.Contains(page, `aria-label="Main"`) {
		t.Error("the navigation is gone")
	}
}

func TestTheOverviewNamesThePartsThatDoNotWork(t *testing.T) {
	t.Parallel()
	r := newRigOf(t, Options{Checks: []Check{
		{Name: "database", Ask: func(context.Context) error { return nil }},
		{Name: "broker", Ask: func(context.Context) error { return errors.New("gone") }},
	}}, storyDeclarations())
	got := said(r.visit(r.as("sam"), http.StatusOK, "/parts"))
	if want := "Database works\nBroker down\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTheChartsOfADeviceCarryTheLimitsOfItsRules(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	sam := r.as("sam")
	for path, want := range map[string][]chartLimit{
		"/charts/device/fridge-04?metric=temperature":              {{8, "fridge-warm 8" + thin + "°C"}},
		"/charts/device/freezer-08?metric=temperature&range=7d":    {{-15, "freezer-warm −15" + thin + "°C"}},
		"/charts/device/fridge-04?metric=compressor_w&range=1h":    nil, // that rule is on trial
		"/charts/device/fridge-04?metric=door_open&range=nonsense": nil,
	} {
		var data chartData
		r.must(json.Unmarshal([]byte(r.visit(sam, http.StatusOK, path)), &data))
		if diff := cmp.Diff(want, data.Limits); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func TestPagesAreForPeopleWhoHaveLoggedIn(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	stranger := browser(t)
	a := r.send(stranger, "", "GET", "/tickets?status=new", "")
	if to := a.header.Get("Location"); a.status != http.StatusSeeOther || to != "/login?next=%2Ftickets%3Fstatus%3Dnew" {
		t.Errorf("status %d to %q", a.status, to)
	}
	a = r.send(stranger, "", "GET", "/tickets", "", "HX-Request", "true")
	if a.status != http.StatusUnauthorized || a.header.Get("HX-Redirect") != "/login" {
		t.Errorf("a refresh without a session: status %d, HX-Redirect %q", a.status, a.header.Get("HX-Redirect"))
	}
	page := r.visit(stranger, http.StatusOK, "/login?next=/shipments/S-9001")
	if !strings.Contains(page, `name="next" value="/shipments/S-9001"`) {
		t.Error("the login page forgets where the person wanted to go")
	}
	if page := r.visit(stranger, http.StatusOK, "/login?next=//evil.example"); strings.Contains(page, "evil.example") {
		t.Error("the login page leads to another site")
	}
	a = r.form(stranger, "/login", url.Values{"login": {`"><script>`}, "password": {"wrong"}, "next": {"/recalls"}})
	if a.status != http.StatusUnauthorized || !strings.Contains(string(a.body), "wrong") || strings.Contains(string(a.body), `"><script>`) ||
		!strings.Contains(string(a.body), `value="/recalls"`) {
		t.Errorf("a wrong password: status %d: %s", a.status, a.body)
	}
}

func TestAViewerSeesNoActionsAndMayTakeNone(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	ticket := ticketPath(r.ticketOf("fridge-04"))
	vera := r.as("vera")
	for _, path := range []string{ticket, "/alarms/alm-fridge-04", "/recalls/R-0001", "/recalls/R-0002", "/quarantine", "/quarantine?reason=malformed", "/tickets"} {
		body := strings.ReplaceAll(r.visit(vera, http.StatusOK, path), `method="post" action="/logout"`, "")
		if strings.Contains(body, `method="post"`) {
			t.Errorf("%s offers a viewer a change", path)
		}
	}
	for _, path := range []string{ticket, ticket + "/comments", "/alarms/alm-fridge-04/acknowledge", "/alarms/alm-fridge-04/shelve", "/alarms/alm-fridge-04/unshelve", "/recalls/R-0002/approve", "/recalls/R-0002/reject", "/recalls/R-0001/close", "/quarantine/replay"} {
		a := r.press(vera, http.StatusForbidden, path, url.Values{"text": {"x"}, "status": {"solved"}, "id": {"q1"}})
		if !strings.Contains(string(a.body), "vera has the role viewer") {
			t.Errorf("%s does not say why: %s", path, said(string(a.body)))
		}
	}
	// Each of the others may do a part.
	r.press(r.as("quinn"), http.StatusForbidden, ticket+"/comments", url.Values{"text": {"x"}})
	r.press(r.as("sam"), http.StatusForbidden, "/recalls/R-0002/approve", url.Values{})
	r.press(r.as("sam"), http.StatusForbidden, "/quarantine/replay", url.Values{"id": {"q1"}})
	if got, err := r.db.Ticket(t.Context(), r.ticketOf("fridge-04")); err != nil || got.Status != tickets.Open {
		t.Errorf("the ticket is %v, %v", got.Status, err)
	}
}

func TestAFormWithoutTheSessionsTokenChangesNothing(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	anna, sam := r.as("anna"), r.as("sam")
	ticket := ticketPath(r.ticketOf("fridge-04"))
	for name, token := range map[string]string{"no token": "", "a wrong one": strings.Repeat("a", 43), "somebody else's": r.csrfOf(sam)} {
		a := r.form(anna, ticket+"/comments", url.Values{"text": {"forged"}, csrfField: {token}})
		if a.status != http.StatusForbidden || strings.Contains(r.visit(anna, http.StatusOK, ticket), "forged") {
			t.Errorf("%s: status %d", name, a.status)
		}
	}
}

func TestPeopleWorkOnTickets(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	sam := r.as("sam")
	id := r.ticketOf("freezer-08")
	path := ticketPath(id)

	a := r.press(sam, http.StatusSeeOther, path, url.Values{"status": {"pending"}, "priority": {"high"}, "assignee": {" sam "}})
	if a.header.Get("Location") != path {
		t.Errorf("sent on to %q", a.header.Get("Location"))
	}
	r.press(sam, http.StatusSeeOther, path+"/comments", url.Values{"text": {"On my way."}, "public": {"yes"}})
	r.press(sam, http.StatusSeeOther, "/alarms/alm-freezer-08/acknowledge", url.Values{"next": {path}, "comment": {"Seen on the way."}})
	r.press(sam, http.StatusUnprocessableEntity, "/alarms/alm-freezer-05/acknowledge", url.Values{}) // without a word

	const shelf = "/alarms/alm-freezer-05/shelve"
	r.press(sam, http.StatusUnprocessableEntity, shelf, url.Values{"for": {"4h"}}) // without a reason
	r.press(sam, http.StatusUnprocessableEntity, shelf, url.Values{"for": {"soon"}, "reason": {"Being defrosted."}})
	r.press(sam, http.StatusUnprocessableEntity, shelf, url.Values{"for": {"8d"}, "reason": {"Being defrosted."}})
	r.press(sam, http.StatusSeeOther, shelf, url.Values{"for": {"4h"}, "reason": {"Being defrosted."}})
	if page := r.visit(sam, http.StatusOK, "/alarms/alm-freezer-05"); !strings.Contains(page, "Take off the shelf") || !strings.Contains(page, "Being defrosted.") {
		t.Error("the page of a shelved alarm does not say so")
	}
	if page := r.visit(sam, http.StatusOK, "/"); !strings.Contains(page, "On the shelf") || !strings.Contains(page, "sam: Being defrosted.") {
		t.Error("the overview does not list what is shelved")
	}
	r.press(sam, http.StatusSeeOther, "/alarms/alm-freezer-05/unshelve", url.Values{})
	r.press(sam, http.StatusConflict, "/alarms/alm-freezer-05/unshelve", url.Values{})

	got, err := r.db.Ticket(t.Context(), id)
	r.must(err)
	if got.Status != tickets.Pending || got.Priority != tickets.High || got.Assignee != "sam" {
		t.Errorf("the ticket is %s, %s, of %q", got.Status, got.Priority, got.Assignee)
	}
	page := said(r.visit(sam, http.StatusOK, path))
	for _, want := range []string{"On my way.", "Customer can read this", "Acknowledged by sam", "Pending High"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	a = r.press(sam, http.StatusConflict, path, url.Values{"status": {"closed"}})
	if !strings.Contains(string(a.body), "can be closed when it is solved") || !strings.Contains(string(a.body), "Not possible now") {
		t.Errorf("an impossible step: %s", said(string(a.body)))
	}
	r.press(sam, http.StatusUnprocessableEntity, path+"/comments", url.Values{"text": {"   "}})
	r.press(sam, http.StatusUnprocessableEntity, path, url.Values{"priority": {"enormous"}})
}

func TestAFormChangesOnlyWhatItsSenderChanged(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	sam := r.as("sam")
	id := r.ticketOf("freezer-08")
	solved := tickets.Solved
	_, err := r.desk.Update(t.Context(), id, "anna", tickets.Patch{Status: &solved})
	r.must(err)

	r.press(sam, http.StatusSeeOther, ticketPath(id), url.Values{"assignee": {"sam"}})
	got, err := r.db.Ticket(t.Context(), id)
	r.must(err)
	if got.Status != tickets.Solved || got.Assignee != "sam" {
		t.Errorf("the ticket is %s, of %q", got.Status, got.Assignee)
	}
}

func TestTwoPeopleSignARecall(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	quinn, pat := r.as("quinn"), r.as("pat")
	r.press(quinn, http.StatusSeeOther, "/recalls/R-0002/approve", url.Values{"comment": {"The trace is sound."}})
	page := said(r.visit(quinn, http.StatusOK, "/recalls/R-0002"))
	if !strings.Contains(page, "You have signed. Another person must approve as well.") || strings.Contains(page, "Approve and sign") {
		t.Errorf("after the first signature:\n%s", page)
	}
	r.press(quinn, http.StatusConflict, "/recalls/R-0002/approve", url.Values{})
	if page := said(r.visit(pat, http.StatusOK, "/recalls/R-0002")); !strings.Contains(page, "One more person must approve.") {
		t.Errorf("for the second person:\n%s", page)
	}
	r.press(pat, http.StatusSeeOther, "/recalls/R-0002/approve", url.Values{})
	recall, err := r.db.Recall(t.Context(), "R-0002")
	r.must(err)
	if recall.Status != recalls.Approved {
		t.Errorf("the recall is %s", recall.Status)
	}
	r.press(pat, http.StatusConflict, "/recalls/R-0002/close", url.Values{}) // without a reason
	r.press(pat, http.StatusSeeOther, "/recalls/R-0002/close", url.Values{"comment": {"Drill."}})
}

func TestRefusedMessagesAreReplayed(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	anna := r.as("anna")
	a := r.press(anna, http.StatusSeeOther, "/quarantine/replay", url.Values{"id": {"q1"}})
	if page := said(r.visit(anna, http.StatusOK, a.header.Get("Location"))); !strings.Contains(page, "1 message accepted.") {
		t.Errorf("the page does not say so:\n%s", page)
	}
	r.press(anna, http.StatusSeeOther, "/quarantine/replay", url.Values{"reason": {"malformed"}})
	if diff := cmp.Diff([]string{"q1", "q2"}, r.replay.ids); diff != "" {
		t.Errorf("replayed (-want +got):\n%s", diff)
	}
	r.press(anna, http.StatusUnprocessableEntity, "/quarantine/replay", url.Values{})
	r.press(anna, http.StatusUnprocessableEntity, "/quarantine/replay", url.Values{"reason": {"bored"}})
}

// hostile is what somebody may put wherever text is taken.
const hostile = `<script>alert("x")</script><img src=x onerror=alert(1)>'"&{{7}}`

func TestWhatOthersWroteStaysText(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	at := ago(3 * time.Minute)
	r.handle(2*time.Minute, rules.Transition{
		AlarmID: "alm-hostile", Key: rules.Key{Rule: "door-open", Subject: rules.Subject{Type: "device", ID: "fridge-01"}},
		Change: rules.Raised, At: at, RaisedAt: at, PendingSince: at, Occurrences: 1, RuleVersion: 1, Mode: rules.Live,
		Values: map[string]devices.Value{"temperature": devices.Label(hostile), hostile: devices.Label(hostile)},
		Faults: []string{hostile}, Explanation: []string{hostile + " at 2026-11-22 07:30 UTC"}, Trace: hostile,
	})
	sam := r.as("sam")
	id := r.ticketOf("fridge-01")
	r.press(sam, http.StatusSeeOther, ticketPath(id)+"/comments", url.Values{"text": {hostile}})
	r.press(sam, http.StatusSeeOther, ticketPath(id), url.Values{"assignee": {hostile[:40]}})
	r.must(r.db.AddQuarantined(t.Context(), []ingest.Quarantined{{
		ID: "qx", Reason: ingest.UnknownTopic, Detail: hostile, Topic: hostile, ClientID: hostile, Payload: []byte(hostile), ReceivedAt: at,
	}}))
	for _, path := range []string{
		"/", "/tickets", ticketPath(id), "/alarms/alm-hostile", "/devices/fridge-01", "/quarantine",
		"/tickets?q=" + url.QueryEscape(hostile) + "&device=" + url.QueryEscape(hostile) + "&status=" + url.QueryEscape(hostile),
		"/shipments?q=" + url.QueryEscape(hostile), "/devices?q=" + url.QueryEscape(hostile) + "&model=" + url.QueryEscape(hostile),
		"/tickets?customer=" + url.QueryEscape(hostile), "/quarantine?reason=" + url.QueryEscape(hostile),
	} {
		body := r.visit(sam, http.StatusOK, path)
		for _, bad := range []string{"<script>alert", "<img src=x", "onerror=alert(1)>'\"&{{"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s: what somebody wrote became markup: %s", path, bad)
			}
		}
	}
	if page := r.visit(sam, http.StatusOK, ticketPath(id)); !strings.Contains(said(page), hostile) {
		t.Error("what somebody wrote is not shown as they wrote it")
	}
}

func TestAnAlarmThatLateReadingsAmendedShowsBothVersions(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	at := ago(30 * time.Minute)
	one := rules.Transition{
		AlarmID: "alm-late", Key: rules.Key{Rule: "door-open", Subject: rules.Subject{Type: "device", ID: "fridge-01"}},
		Change: rules.Raised, At: at, RaisedAt: at, PendingSince: at, Occurrences: 1, RuleVersion: 1, Mode: rules.Live,
	}
	amend := func(change rules.Change, revision int, why string) rules.Transition {
		next := one
		next.Change, next.Revision, next.Explanation = change, revision, []string{why}
		next.Before = &rules.Before{PendingSince: at, RaisedAt: at, Occurrences: 1}
		return next
	}
	average, corrected := 8.5, 9.25
	one.Evidence.Computed = []rules.Computed{{Call: `avg(temperature, "5m")`, Value: &average, Unit: "Cel"}}
	amended := amend(rules.Amended, 1, "Amended: raised earlier. A report arrived late.")
	amended.Values = map[string]devices.Value{"temperature": devices.Number(9.5)}
	amended.Evidence.Computed = []rules.Computed{{Call: `avg(temperature, "5m")`, Value: &corrected, Unit: "Cel"}}
	amended.Severity = rules.Major
	r.handle(20*time.Minute, one)
	r.handle(10*time.Minute, amended)
	r.handle(5*time.Minute, amend(rules.Withdrawn, 2, "Withdrawn: it would not have been raised. A report arrived late."))
	vera := r.as("vera")
	page := said(r.visit(vera, http.StatusOK, "/alarms/alm-late"))
	for _, want := range []string{"Withdrawn", "What was told before", "Amended: raised earlier.", "active, info. Amended: raised earlier.",
		`avg(temperature, "5m") was 8.5 °C.`, "avg(temperature, \"5m\")\n9.25 °C", "from info to major. Amended: raised earlier.",
		"Withdrawn: it would not have been raised."} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q: %s", want, page)
		}
	}
	ticket := said(r.visit(vera, http.StatusOK, "/tickets/"+r.ticketOf("fridge-01")))
	if !strings.Contains(ticket, "withdrawn by late readings") {
		t.Errorf("ticket: %s", ticket)
	}
	for path, want := range map[string]string{
		"/tickets/" + r.ticketOf("fridge-01"): "Major Withdrawn\n", "/devices/fridge-01": "Door left open Withdrawn, T-",
		"/rules/door-open": "fridge-01 Withdrawn\n", "/alarms/alm-late": "Major Withdrawn Raised 30 min ago\n",
	} {
		if page := said(r.visit(vera, http.StatusOK, path)); !strings.Contains(page, want) {
			t.Errorf("%s does not say %q: %s", path, want, page)
		}
	}
	alarm := r.admin(200, "GET", "/api/v1/alarms/alm-late", "").json()
	if earlier, _ := alarm["earlier"].([]any); len(earlier) != 2 || alarm["withdrawn_at"] == nil {
		t.Errorf("alarm %v", alarm)
	}
}

func TestListsAreFilteredAndPaged(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	sam := r.as("sam")
	rows := func(path string) []string {
		var ids []string
		for _, m := range regexp.MustCompile(`id="row-([^"]+)"`).FindAllStringSubmatch(r.visit(sam, http.StatusOK, path), -1) {
			ids = append(ids, m[1])
		}
		return ids
	}
	for path, want := range map[string][]string{
		"/tickets":                             {"T-000006", "T-000005", "T-000002", "T-000001"},
		"/tickets?q=FRIDGE-04":                 {"T-000005"},
		"/tickets?q=aurora":                    {"T-000002"},
		"/tickets?q=T-000001":                  {"T-000001"},
		"/tickets?q=100%25":                    nil,
		"/tickets?priority=urgent":             {"T-000006", "T-000005"},
		"/tickets?assignee=sam":                {"T-000005"},
		"/tickets?status=solved&q=door":        {"T-000003"},
		"/tickets?status=all&device=fridge-07": {"T-000004", "T-000003"},
		"/shipments":                           {"S-9001", "S-8990", "S-9003", "S-9002"},
		"/shipments?show=risk":                 {"S-9001", "S-8990", "S-9003"},
		"/shipments?show=moving&q=A19":         {"S-9003"},
		"/shipments?q=brigid":                  {"S-9001", "S-9002"},
		"/devices?state=alarm":                 {"freezer-05", "freezer-08", "fridge-04", "washer-2"},
		"/devices?model=WM-7":                  {"washer-2"},
		"/devices?q=Gdansk":                    {"fridge-01", "fridge-04", "fridge-07"},
		"/tickets?after=nonsense":              {"T-000006", "T-000005", "T-000002", "T-000001"},
	} {
		if diff := cmp.Diff(want, rows(path)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func TestPagingReachesEveryRowOnce(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	ctx := t.Context()
	for name, list := range map[string]func(after string) (ids []string, next string){
		"tickets": func(after string) (ids []string, next string) {
			page, err := r.db.TicketRows(ctx, views.TicketQuery{After: after, Limit: 2})
			r.must(err)
			for _, row := range page.Rows {
				ids = append(ids, row.ID)
			}
			return ids, page.Next
		},
		"shipments": func(after string) (ids []string, next string) {
			page, err := r.db.ShipmentRows(ctx, views.ShipmentQuery{After: after, Limit: 1})
			r.must(err)
			for _, row := range page.Rows {
				ids = append(ids, row.ID)
			}
			return ids, page.Next
		},
		"devices": func(after string) (ids []string, next string) {
			page, err := r.db.DeviceRows(ctx, views.DeviceQuery{After: after, Limit: 5}, storyNow)
			r.must(err)
			for _, row := range page.Rows {
				ids = append(ids, string(row.ID))
			}
			return ids, page.Next
		},
	} {
		seen := map[string]bool{}
		rounds := 0
		for after := ""; rounds == 0 || after != ""; rounds++ {
			ids, next := list(after)
			for _, id := range ids {
				if seen[id] {
					t.Errorf("%s: %s comes twice", name, id)
				}
				seen[id] = true
			}
			after = next
		}
		if want := map[string]int{"tickets": 9, "shipments": 4, "devices": 14}[name]; len(seen) != want || rounds < 3 {
			t.Errorf("%s: %d rows in %d pages, want %d", name, len(seen), rounds, want)
		}
	}
}

func TestTheChartOfATicketCarriesTheRulesLimitAndItsMoments(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	sam := r.as("sam")
	var data chartData
	r.must(json.Unmarshal([]byte(r.visit(sam, http.StatusOK, "/charts/alarm/alm-fridge-07")), &data))
	var marks []string
	for _, m := range data.Marks {
		marks = append(marks, m.Label)
	}
	if diff := cmp.Diff([]string{"onset", "raised", "cleared"}, marks); diff != "" {
		t.Errorf("marks (-want +got):\n%s", diff)
	}
	if len(data.Limits) != 1 || data.Limits[0].Value != 8 || data.Unit != "°C" || len(data.Series) != 1 || len(data.Series[0].T) < 40 {
		t.Errorf("limits %v, unit %q, %d series", data.Limits, data.Unit, len(data.Series))
	}
}

func TestTheChartOfAShipmentShowsLimitsExcursionsAndGaps(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	sam := r.as("sam")
	var data chartData
	r.must(json.Unmarshal([]byte(r.visit(sam, http.StatusOK, "/charts/shipment/S-9003")), &data))
	var kinds []string
	for _, s := range data.Spans {
		kinds = append(kinds, s.Kind)
	}
	if diff := cmp.Diff([]string{"excluded", "outside", "gap"}, kinds); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&chartBand{2, 8}, data.Band); diff != "" {
		t.Errorf("band (-want +got):\n%s", diff)
	}
	var breaks int
	for _, v := range data.Series[0].V {
		if v == nil {
			breaks++
		}
	}
	if breaks != 1 {
		t.Errorf("the line breaks %d times, want once", breaks)
	}
}

func TestTimesAreShownInTheReadersZone(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	sam := r.as("sam")
	path := ticketPath(r.ticketOf("fridge-04"))
	for cookie, want := range map[string]string{
		"zone=Europe/Warsaw": "14:22", "zone=America/St_Johns": "09:52", "": "13:22",
		"zone=Local": "13:22", "zone=../../etc/passwd": "13:22", "zone=Nowhere/Land": "13:22",
	} {
		page := r.send(&http.Client{Jar: sam.Jar}, "", "GET", path, "", "Cookie", cookie)
		if !strings.Contains(string(page.body), ">"+want+"</time>") {
			t.Errorf("%q: the fault is not at %s", cookie, want)
		}
	}
}

func TestEmptyListsSayWhatToDoNext(t *testing.T) {
	t.Parallel()
	r := newRigOf(t, Options{}, "kind: Customer\nid: C-1\nname: Nobody\n")
	sam := r.as("sam")
	for path, want := range map[string]string{
		"/": "All quiet", "/tickets": "No ticket needs work", "/shipments": "telltale apply", "/recalls": "for two people to sign",
		"/devices": "telltale apply", "/rules": "telltale rules test", "/quarantine": "Nothing in quarantine",
		"/customers/C-1": "The customer owns no device now.",
	} {
		if page := said(r.visit(sam, http.StatusOK, path)); !strings.Contains(page, want) {
			t.Errorf("%s does not say %q:\n%s", path, want, page)
		}
	}
}

func TestFilesOfPagesAreKeptByBrowsersUntilTheyChange(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	page := r.visit(browser(t), http.StatusOK, "/login")
	links := regexp.MustCompile(`(?:src|href)="(/static/[^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(links) < 6 {
		t.Fatalf("the page loads %d files", len(links))
	}
	for _, link := range links {
		a := r.send(browser(t), "", "GET", link[1], "")
		if a.status != http.StatusOK || !strings.Contains(a.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: status %d, Cache-Control %q", link[1], a.status, a.header.Get("Cache-Control"))
		}
		again := r.send(browser(t), "", "GET", link[1], "", "If-None-Match", a.header.Get("ETag"))
		if again.status != http.StatusNotModified {
			t.Errorf("%s: status %d for what the browser has", link[1], again.status)
		}
		stale := r.send(browser(t), "", "GET", strings.Split(link[1], "?")[0]+"?v=old", "")
		if strings.Contains(stale.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: an old address would be kept for ever", link[1])
		}
	}
}

func TestNoPageHoldsAScriptOrAStyleOfItsOwn(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	anna := r.as("anna")
	inline := regexp.MustCompile(`<script(?: [^>]*)?>[^<]|<style|\son\w+=|\sstyle=|javascript:`)
	for _, path := range []string{"/", "/tickets", ticketPath(r.ticketOf("fridge-04")), "/shipments/S-9001", "/recalls/R-0002", "/devices/fridge-04", "/quarantine", "/rules"} {
		if found := inline.FindString(r.visit(anna, http.StatusOK, path)); found != "" {
			t.Errorf("%s: %s", path, found)
		}
	}
}

func TestEveryFormFieldHasAName(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	anna := r.as("anna")
	field := regexp.MustCompile(`(?s)<label[^>]*>.*?</label>|<(?:input|select|textarea)\b[^>]*>`)
	for _, path := range []string{"/tickets", ticketPath(r.ticketOf("fridge-04")), "/shipments", "/recalls/R-0002", "/devices"} {
		for _, tag := range field.FindAllString(r.visit(anna, http.StatusOK, path), -1) {
			if strings.HasPrefix(tag, "<label") || strings.Contains(tag, `type="hidden"`) ||
				strings.Contains(tag, "aria-label=") || strings.Contains(tag, `id="comment"`) {
				continue
			}
			t.Errorf("%s: nobody says what this is for: %s", path, tag)
		}
	}
}
