package console

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"telltale/ingest"
	"telltale/internal/access"
	"telltale/internal/views"
)

// refusedLine is a refused message with its payload as people can read it.
type refusedLine struct {
	views.RefusedRow
	Text, Form string
	Size       int
}

type quarantineContents struct {
	*chrome
	Tabs   []tab
	Query  views.RefusedQuery
	Within string // the stretch of time, as in the form
	Spans  []timeSpan
	Rows   []refusedLine
	Pager  pager
	Empty  empty

	Replay    *views.Replay // that was requested just now
	Unclaimed int64
	Narrowed  bool // the list shows a selection that can be replayed as a whole
	MayReplay bool
}

// timeSpan is a choice of how far back a list goes.
type timeSpan struct {
	Key, Name string
	Back      time.Duration
}

func timeSpans() []timeSpan {
	return []timeSpan{
		{"", "Any time", 0}, {"1h", "Last hour", time.Hour}, {"24h", "Last 24 hours", 24 * time.Hour},
		{"7d", "Last 7 days", 7 * 24 * time.Hour},
	}
}

func (s *Server) quarantinePage(w http.ResponseWriter, r *http.Request) {
	c, _, err := s.frame(r, "Quarantine", "quarantine")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := quarantineContents{chrome: c, Spans: timeSpans(), MayReplay: c.Person.Can(access.HandleRefused)}
	page.read(r.URL.Query())
	if err := s.fillQuarantine(r, &page); err != nil {
		s.fail(w, r, err)
		return
	}
	s.show(w, "quarantine", page)
}

// read takes the selection out of the address.
func (page *quarantineContents) read(query url.Values) {
	page.Query = views.RefusedQuery{
		Reason: ingest.Reason(query.Get("reason")), Device: query.Get("device"), Topic: query.Get("topic"),
		Text: query.Get("q"), After: query.Get("after"),
	}
	if !slices.Contains(ingest.Reasons(), page.Query.Reason) {
		page.Query.Reason = ""
	}
	for _, span := range page.Spans {
		if span.Back > 0 && span.Key == query.Get("within") {
			page.Within, page.Query.Since = span.Key, page.Now.Add(-span.Back)
		}
	}
	q := page.Query
	page.Narrowed = (q.Reason != "" || q.Device != "" || q.Topic != "") && q.Text == "" && page.Within == "" && q.Reason != ingest.TooLarge
	page.Empty = empty{Title: "Nothing in quarantine", Text: "Every message so far could be decoded, identified and believed."}
	if page.Narrowed || q.Text != "" || page.Within != "" || q.Reason != "" {
		page.Empty = empty{Title: "Nothing fits", Text: "No refused message is like that. Take a filter away."}
	}
	href := func(reason ingest.Reason) string {
		tabbed := url.Values{}
		for _, name := range []string{"device", "topic", "q", "within"} {
			if value := query.Get(name); value != "" {
				tabbed.Set(name, value)
			}
		}
		if reason != "" {
			tabbed.Set("reason", string(reason))
		}
		return "/quarantine?" + tabbed.Encode()
	}
	page.Tabs = []tab{{Name: "All", Href: href(""), Current: q.Reason == ""}}
	for _, reason := range ingest.Reasons() {
		page.Tabs = append(page.Tabs, tab{Name: title(string(reason)), Href: href(reason), Current: reason == q.Reason})
	}
}

func (s *Server) fillQuarantine(r *http.Request, page *quarantineContents) error {
	if n, err := strconv.ParseInt(r.URL.Query().Get("replay"), 10, 64); err == nil {
		replay, err := s.deps.Replays.Replay(r.Context(), n)
		if err != nil {
			return err
		}
		page.Replay = &replay
	}
	var err error
	if page.Unclaimed, err = s.deps.Quarantine.CountUnclaimed(r.Context()); err != nil {
		return err
	}
	list, err := s.deps.Quarantine.ListQuarantined(r.Context(), page.Query)
	if err != nil {
		return err
	}
	for _, row := range list.Rows {
		line := refusedLine{RefusedRow: row, Size: len(row.Payload)}
		line.Text, line.Form = payloadText(row.Payload)
		page.Rows = append(page.Rows, line)
	}
	page.Pager = pagerOf(r, list.Next)
	return nil
}

// replayRefused gives one message, or all of a selection, to the pipeline
// again.
func (s *Server) replayRefused(w http.ResponseWriter, r *http.Request) {
	form := r.PostFormValue
	selection := views.ReplaySelection{Reason: ingest.Reason(form("reason")), Topic: form("topic")}
	if id := form("id"); id != "" {
		selection.IDs = []string{id}
	}
	if device := form("device"); device != "" {
		selection.Devices = []string{device}
	}
	known := selection.Reason == "" || slices.Contains(ingest.Reasons(), selection.Reason)
	if selection.Empty() || !known {
		s.renderError(w, r, http.StatusUnprocessableEntity, "Choose a message, reason, device or topic to replay.")
		return
	}
	p, _ := principalOf(r.Context())
	replay, err := s.replay(r.Context(), selection, p.Actor)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	back(w, r, "/quarantine?"+url.Values{
		"reason": {form("reason")}, "device": {form("device")}, "topic": {form("topic")}, "replay": {strconv.FormatInt(replay.Number, 10)},
	}.Encode())
}
