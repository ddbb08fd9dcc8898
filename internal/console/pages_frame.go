package console

import (
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"
	_ "time/tzdata" // readers' zones, also where the machine has none

	"telltale/internal/access"
	"telltale/internal/views"
)

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
	Refresh  int // seconds after which a page without scripts asks again; 0: never
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
		"alarm.raised", "alarm.escalated", "alarm.cleared", "alarm.deescalated", "alarm.amended", "alarm.withdrawn",
		"alarm.acknowledged", "alarm.shelved", "alarm.shelf_ending", "alarm.unshelved",
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
		{Section: "sources", Name: "Sources", Href: "/sources", Rare: true},
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
