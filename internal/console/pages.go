package console

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.uber.org/zap"

	"telltale/internal/access"
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

// registerPages adds the pages that people read.
func (s *Server) registerPages(mux *http.ServeMux) {
	s.pages = newPages()
	mux.Handle("GET /static/", http.StripPrefix("/static/", s.pages.assets))
	mux.Handle("GET /favicon.ico", http.RedirectHandler("/static/mark.svg", http.StatusFound))

	read := func(pattern string, h http.HandlerFunc) {
		mux.Handle("GET "+pattern, s.page(access.Read, s.legible(h)))
	}
	read("/{$}", s.overviewPage)
	read("/tickets", s.ticketsPage)
	read("/tickets/{id}", s.ticketPage)
	read("/alarms/{id}", s.alarmPage)
	read("/shipments", s.shipmentsPage)
	read("/shipments/{id}", s.shipmentPage)
	read("/recalls", s.recallsPage)
	read("/recalls/{id}", s.recallPage)
	read("/devices", s.devicesPage)
	read("/devices/unclaimed", s.unclaimedPage)
	read("/devices/{id}", s.devicePage)
	read("/customers/{id}", s.customerPage)
	read("/rules", s.rulesPage)
	read("/rules/{id}", s.rulePage)
	read("/rules/{id}/versions", s.ruleVersionsPage)
	mux.Handle("GET /rules/new", s.page(access.Declare, s.legible(s.newRulePage)))
	mux.Handle("GET /rules/{id}/edit", s.page(access.Declare, s.legible(s.editRulePage)))
	read("/rules/{id}/backtest", s.backtestPage)
	read("/rules/{id}/shadow", s.shadowPage)
	read("/quarantine", s.quarantinePage)
	read("/sources", s.sourcesPage)
	read("/trace/{id}", s.tracePage)
	read("/parts", s.partsFragment)
	read("/charts/alarm/{id}", s.alarmChart)
	read("/charts/device/{id}", s.deviceChart)
	read("/charts/shipment/{id}", s.shipmentChart)
	read("/charts/shadow/{id}", s.shadowChart)
	mux.Handle("GET /charts/backtest/{job}", s.page(access.Backtest, s.legible(s.backtestChart)))

	mux.Handle("/", s.page(access.Read, func(w http.ResponseWriter, r *http.Request) {
		s.renderError(w, r, http.StatusNotFound, "There is no page at this address.")
	}))
}

// registerActs adds what people do on the pages.
func (s *Server) registerActs(mux *http.ServeMux) {
	act := func(pattern string, a access.Action, h http.HandlerFunc) {
		mux.Handle("POST "+pattern, s.page(a, s.legible(h)))
	}
	act("/tickets/{id}", access.WorkTickets, s.changeTicket)
	act("/tickets/{id}/comments", access.WorkTickets, s.commentTicket)
	act("/alarms/{id}/acknowledge", access.HandleAlarms, s.acknowledgeAlarm)
	act("/alarms/{id}/shelve", access.HandleAlarms, s.shelveAlarmFromPage)
	act("/alarms/{id}/unshelve", access.HandleAlarms, s.unshelveAlarmFromPage)
	act("/recalls/{id}/approve", access.DecideRecalls, s.signRecall(s.deps.RecallDesk.Approve))
	act("/recalls/{id}/reject", access.DecideRecalls, s.signRecall(s.deps.RecallDesk.Reject))
	act("/recalls/{id}/close", access.DecideRecalls, s.signRecall(s.deps.RecallDesk.Close))
	act("/devices/unclaimed", access.Declare, s.claimFromPage)
	act("/rules/new", access.Declare, s.saveRule)
	act("/rules/{id}/edit", access.Declare, s.saveRule)
	act("/rules/check", access.Declare, s.checkRuleFragment)
	act("/rules/{id}/backtest", access.Backtest, s.startBacktestFromPage)
	act("/rules/{id}/backtest/{job}/cancel", access.Backtest, s.cancelBacktestFromPage)
	act("/sources/try", access.HandleRefused, s.tryPayload)
	act("/quarantine/replay", access.HandleRefused, s.replayRefused)
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

// back sends the browser on after a change, so that a reload does not repeat
// it.
func back(w http.ResponseWriter, r *http.Request, path string) {
	http.Redirect(w, r, localPath(path), http.StatusSeeOther)
}

// legible refuses what no page of ours sends and no database can hold: zero
// bytes and broken characters, in the address or in a form.
func (s *Server) legible(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		texts := []string{r.URL.Path}
		_ = r.PostFormValue(csrfField) // reads the form; the guard before has judged it
		for _, values := range []url.Values{r.URL.Query(), r.PostForm} {
			for _, list := range values {
				texts = append(texts, list...)
			}
		}
		for _, text := range texts {
			if !storable(text) || !utf8.ValidString(text) {
				s.renderError(w, r, http.StatusBadRequest, "The address or the form holds characters that are no text.")
				return
			}
		}
		h(w, r)
	}
}
