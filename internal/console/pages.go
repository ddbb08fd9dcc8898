package console

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // readers' zones, also where the machine has none

	"go.uber.org/zap"

	"telltale/internal/access"
	"telltale/internal/views"
)

//go:embed templates/*.html
var templateFiles embed.FS

// pages is what all pages share: their templates and the files they load.
type pages struct {
	templates map[string]*template.Template
	assets    *assets
}

// newPages parses every page together with the layout. The templates are part
// of the program, so a broken one is a programming error.
func newPages() *pages {
	p := &pages{templates: map[string]*template.Template{}, assets: newAssets()}
	shared := template.Must(template.New("").Funcs(p.functions()).
		ParseFS(templateFiles, "templates/layout.html", "templates/parts.html"))
	files, err := templateFiles.ReadDir("templates")
	if err != nil {
		panic(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(file.Name(), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		own := template.Must(shared.Clone())
		p.templates[name] = template.Must(own.ParseFS(templateFiles, "templates/"+file.Name()))
	}
	return p
}

// registerPages adds the pages for people.
func (s *Server) registerPages(mux *http.ServeMux) {
	s.pages = newPages()
	mux.Handle("GET /static/", http.StripPrefix("/static/", s.pages.assets))
	mux.Handle("GET /favicon.ico", http.RedirectHandler("/static/mark.svg", http.StatusFound))

	read := func(pattern string, h http.HandlerFunc) { mux.Handle("GET "+pattern, s.page(access.Read, h)) }
	read("/{$}", s.overviewPage)
	read("/tickets", s.ticketsPage)
	read("/tickets/{id}", s.ticketPage)
	read("/alarms/{id}", s.alarmPage)
	read("/shipments", s.shipmentsPage)
	read("/shipments/{id}", s.shipmentPage)
	read("/recalls", s.recallsPage)
	read("/recalls/{id}", s.recallPage)
	read("/devices", s.devicesPage)
	read("/devices/{id}", s.devicePage)
	read("/customers/{id}", s.customerPage)
	read("/rules", s.rulesPage)
	read("/quarantine", s.quarantinePage)
	read("/charts/alarm/{id}", s.alarmChart)
	read("/charts/device/{id}", s.deviceChart)
	read("/charts/shipment/{id}", s.shipmentChart)

	act := func(pattern string, a access.Action, h http.HandlerFunc) { mux.Handle("POST "+pattern, s.page(a, h)) }
	act("/tickets/{id}", access.WorkTickets, s.changeTicket)
	act("/tickets/{id}/comments", access.WorkTickets, s.commentTicket)
	act("/alarms/{id}/acknowledge", access.HandleAlarms, s.acknowledgeAlarm)
	act("/recalls/{id}/approve", access.DecideRecalls, s.signRecall(s.deps.RecallDesk.Approve))
	act("/recalls/{id}/reject", access.DecideRecalls, s.signRecall(s.deps.RecallDesk.Reject))
	act("/recalls/{id}/close", access.DecideRecalls, s.signRecall(s.deps.RecallDesk.Close))
	act("/quarantine/replay", access.HandleRefused, s.replayRefused)

	mux.Handle("/", s.page(access.Read, func(w http.ResponseWriter, r *http.Request) {
		s.renderError(w, r, http.StatusNotFound, "There is no page at this address.")
	}))
}

// chrome is what the frame around every page needs.
type chrome struct {
	viewer

	Title    string
	Section  string // which entry of the navigation is current
	Person   access.Principal
	CSRF     template.HTML // the hidden field of every form that changes something
	Path     string        // of this page, to come back to
	Here     string        // path and query, to refresh from
	ZoneName string        // "" keeps the script from asking for another
	Events   string        // event types the page listens for
	Position int64         // of the last event the page's contents include
	Nav      []navItem
}

// navItem is one entry of the navigation.
type navItem struct {
	Section, Name, Href string
	Count               int64
	Due                 bool // the count waits for a person
	Rare                bool // not among the few of a phone's tab bar
	Break               bool // a line follows
}

// frame collects what surrounds a page, as of now. What it shows is read
// after the position of the event feed, so that the page's stream repeats an
// event rather than miss one.
func (s *Server) frame(r *http.Request, title, section string) (*chrome, views.Tally, error) {
	ctx := r.Context()
	position, err := s.deps.Events.LastEvent(ctx)
	if err != nil {
		return nil, views.Tally{}, err
	}
	tally, err := s.deps.Pages.Tally(ctx)
	if err != nil {
		return nil, views.Tally{}, err
	}
	c := s.bareFrame(r, title)
	c.Section, c.Position = section, position
	c.Events = strings.Join(liveEvents(), " ")
	c.Nav = navigation(tally)
	if session, ok := sessionOf(ctx); ok {
		c.Person = session.Principal
		c.CSRF = template.HTML(fmt.Sprintf(`<input type="hidden" name="%s" value="%s">`, //nolint:gosec // escaped
			csrfField, template.HTMLEscapeString(session.CSRF)))
	}
	return c, tally, nil
}

// bareFrame is the frame of pages that stand alone.
func (s *Server) bareFrame(r *http.Request, title string) *chrome {
	c := &chrome{viewer: viewer{Now: s.now(), Zone: time.UTC}, Title: title}
	if r == nil {
		return c
	}
	c.Zone = zoneOf(r)
	c.Path, c.Here = r.URL.Path, r.URL.RequestURI()
	if r.Method == http.MethodGet {
		c.ZoneName = c.Zone.String()
	}
	return c
}

// liveEvents lists the event types that refresh pages.
func liveEvents() []string {
	return []string{
		"ticket.opened", "ticket.updated", "ticket.solved", "ticket.closed",
		"alarm.raised", "alarm.escalated", "alarm.cleared", "alarm.acknowledged", "alarm.shelved",
		"recall.proposed", "recall.updated", "recall.approved", "recall.rejected", "recall.answered", "recall.closed",
		"hold.placed", "hold.released", "shipment.assessed",
	}
}

func navigation(t views.Tally) []navItem {
	return []navItem{
		{Section: "overview", Name: "Overview", Href: "/"},
		{Section: "tickets", Name: "Tickets", Href: "/tickets", Count: t.UnsolvedTotal()},
		{Section: "shipments", Name: "Shipments", Href: "/shipments", Count: t.ShipmentsAtRisk, Due: t.ShipmentsAtRisk > 0},
		{Section: "recalls", Name: "Recalls", Href: "/recalls", Count: t.RecallsToSign, Due: t.RecallsToSign > 0},
		{Section: "devices", Name: "Devices", Href: "/devices", Break: true},
		{Section: "rules", Name: "Rules", Href: "/rules", Rare: true},
		{Section: "quarantine", Name: "Quarantine", Href: "/quarantine", Count: t.Refused, Rare: true},
	}
}

// zoneOf returns the reader's time zone, as their browser told us in a
// cookie; UTC when it did not or when there is no such zone.
func zoneOf(r *http.Request) *time.Location {
	cookie, err := r.Cookie("zone")
	if err != nil || cookie.Value == "Local" {
		return time.UTC
	}
	zone, err := time.LoadLocation(cookie.Value)
	if err != nil {
		return time.UTC
	}
	return zone
}

// render answers with a page. It is built whole before the first byte leaves,
// so that a fault in a template is an error page and not half a page.
func (s *Server) render(w http.ResponseWriter, status int, name, layout string, page any) {
	var body bytes.Buffer
	if err := s.pages.templates[name].ExecuteTemplate(&body, layout, page); err != nil {
		s.log.Error("page not rendered", zap.String("page", name), zap.Error(err))
		http.Error(w, internalSentence, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}

// show answers with an ordinary page.
func (s *Server) show(w http.ResponseWriter, name string, page any) {
	s.render(w, http.StatusOK, name, "layout", page)
}

// fail answers with the page for an error.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, sentence := s.judge(r.Context(), err)
	s.renderError(w, r, status, sentence)
}

// renderLogin shows the form that posts login, password and next to /login,
// with a sentence about why the last attempt was refused, if it was.
func (s *Server) renderLogin(w http.ResponseWriter, r *http.Request, status int, sentence string) {
	page := struct {
		*chrome
		Sentence, Login, Next string
	}{s.bareFrame(r, "Log in"), sentence, "", "/"}
	if r != nil {
		page.Login = r.PostFormValue("login")
		page.Next = localPath(cmp.Or(r.URL.Query().Get("next"), r.PostFormValue("next"), "/"))
	}
	s.render(w, status, "login", "lone", page)
}

// renderError shows a page that says what went wrong and leads on.
func (s *Server) renderError(w http.ResponseWriter, r *http.Request, status int, sentence string) {
	headings := map[int]string{
		http.StatusNotFound:            "Nothing here",
		http.StatusForbidden:           "Not permitted",
		http.StatusConflict:            "Not possible now",
		http.StatusUnprocessableEntity: "That cannot be done",
		http.StatusBadRequest:          "That cannot be done",
		http.StatusServiceUnavailable:  "Not right now",
	}
	page := struct {
		*chrome
		Status                            int
		Heading, Sentence, Back, BackText string
	}{s.bareFrame(r, "Problem"), status, cmp.Or(headings[status], "Something went wrong"), sentence, "/", "Go to the overview"}
	if r != nil && r.Method == http.MethodPost {
		if from, err := url.Parse(r.Referer()); err == nil && from.Host == r.Host {
			page.Back, page.BackText = localPath(from.RequestURI()), "Go back"
		}
	}
	s.render(w, status, "error", "lone", page)
}

// back sends the browser on after a change, so that a reload does not repeat
// it.
func back(w http.ResponseWriter, r *http.Request, path string) {
	http.Redirect(w, r, localPath(path), http.StatusSeeOther)
}
