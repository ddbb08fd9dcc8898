package console

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"telltale/ingest"
	"telltale/internal/access"
	"telltale/internal/views"
)

type sourcesContents struct {
	*chrome
	Sources []sourceView
	MayTry  bool
	Form    tryForm
	Wrong   string // what is wrong with the form
	Tried   *views.Trial
	Marks   []mark // one for each refusal that has a place
}

// tryForm is what was typed, to be shown again.
type tryForm struct {
	Source, Topic, Payload, Written, Script, Port string
}

// mark shows the place of a fault within the payload.
type mark struct{ Before, At, After string }

func (s *Server) sourcesPage(w http.ResponseWriter, r *http.Request) {
	page, err := s.sourcesContents(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page.Form.Source = r.URL.Query().Get("source")
	s.show(w, "sources", page)
}

func (s *Server) sourcesContents(r *http.Request) (*sourcesContents, error) {
	c, _, err := s.frame(r, "Sources", "sources")
	if err != nil {
		return nil, err
	}
	page := &sourcesContents{chrome: c, MayTry: c.Person.Can(access.HandleRefused)}
	for _, source := range s.deps.Sources.Sources() {
		page.Sources = append(page.Sources, showSource(source))
	}
	return page, nil
}

// tryPayload shows what would become of a message. It changes nothing, so the
// answer is the page itself.
func (s *Server) tryPayload(w http.ResponseWriter, r *http.Request) {
	page, err := s.sourcesContents(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page.Form = tryForm{
		Source: r.PostFormValue("source"), Topic: strings.TrimSpace(r.PostFormValue("topic")), Payload: r.PostFormValue("payload"),
		Written: r.PostFormValue("written"), Script: r.PostFormValue("script"), Port: strings.TrimSpace(r.PostFormValue("port")),
	}
	q, err := page.Form.request()
	if err != nil {
		page.Wrong = sentence(err.Error())
		s.render(w, http.StatusUnprocessableEntity, "sources", "layout", page)
		return
	}
	trial, err := s.deps.Sources.Try(r.Context(), q)
	switch {
	case errors.Is(err, ingest.ErrNoSource):
		page.Wrong = "There is no such source."
		s.render(w, http.StatusUnprocessableEntity, "sources", "layout", page)
		return
	case err != nil:
		s.fail(w, r, err)
		return
	}
	shown := views.ShowTrial(trial)
	page.Tried = &shown
	for _, refusal := range shown.Refusals {
		if refusal.Offset != nil {
			page.Marks = append(page.Marks, markAt(q.Payload, int(*refusal.Offset)))
		}
	}
	s.show(w, "sources", page)
}

// request reads the form.
func (f tryForm) request() (q ingest.TrialRequest, err error) {
	q = ingest.TrialRequest{Source: f.Source, Topic: f.Topic, Script: f.Script}
	if f.Port != "" {
		port, err := strconv.ParseUint(f.Port, 10, 8)
		if err != nil {
			return q, errors.New("the port is a number from 0 to 255")
		}
		if strings.TrimSpace(f.Script) == "" {
			return q, errors.New("a bare frame on a port needs a script to decode it")
		}
		n := int(port)
		q.FPort = &n
	}
	bare := strings.Join(strings.Fields(f.Payload), "")
	switch f.Written {
	case "hex":
		q.Payload, err = hex.DecodeString(bare)
	case "base64":
		q.Payload, err = base64.StdEncoding.DecodeString(bare)
	default:
		// A form sends line ends as two bytes, which would shift the places of
		// faults from those that the device would have sent.
		q.Payload = []byte(strings.ReplaceAll(f.Payload, "\r\n", "\n"))
	}
	if err != nil {
		return q, fmt.Errorf("the payload is not written in %s", f.Written)
	}
	return q, nil
}

// sentence makes an error a sentence on a page.
func sentence(s string) string {
	s = capital(s)
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".?!") {
		return s
	}
	return s + "."
}

// markAround is how much of the payload is shown on either side of a fault.
const markAround = 80

// markAt returns the part of the payload around a byte: as text, or else in
// hexadecimal.
func markAt(payload []byte, offset int) mark {
	offset = min(offset, len(payload))
	from, to := max(0, offset-markAround), min(len(payload), offset+markAround)
	if !utf8.Valid(payload) {
		at := min(offset+1, to)
		return mark{fmt.Sprintf("% x ", payload[from:offset]), fmt.Sprintf("%x", payload[offset:at]), fmt.Sprintf(" % x", payload[at:to])}
	}
	for from > 0 && !utf8.RuneStart(payload[from]) {
		from--
	}
	for to < len(payload) && !utf8.RuneStart(payload[to]) {
		to++
	}
	_, size := utf8.DecodeRune(payload[offset:to])
	at := string(payload[offset : offset+size])
	if at == "" {
		at = "(end)"
	}
	return mark{string(payload[from:offset]), at, string(payload[offset+size : to])}
}
