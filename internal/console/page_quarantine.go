package console

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

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
	Reason ingest.Reason
	Rows   []refusedLine
	Pager  pager
	Empty  empty
	Done   string

	MayReplay bool
}

func (s *Server) quarantinePage(w http.ResponseWriter, r *http.Request) {
	c, _, err := s.frame(r, "Quarantine", "quarantine")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := quarantineContents{
		chrome: c, Reason: ingest.Reason(r.URL.Query().Get("reason")), MayReplay: c.Person.Can(access.HandleRefused),
		Tabs:  []tab{{Name: "All", Href: "/quarantine"}},
		Empty: empty{Title: "Nothing in quarantine", Text: "Every message so far could be decoded, identified and believed."},
	}
	page.Tabs[0].Current = !slices.Contains(ingest.Reasons(), page.Reason)
	if page.Tabs[0].Current {
		page.Reason = ""
	}
	for _, reason := range ingest.Reasons() {
		page.Tabs = append(page.Tabs, tab{
			Name: title(string(reason)), Href: "/quarantine?reason=" + string(reason), Current: reason == page.Reason,
		})
	}
	if n, err := strconv.ParseInt(r.URL.Query().Get("replayed"), 10, 64); err == nil {
		page.Done = plural(n, "message") + " given to the pipeline again. What is still refused comes back."
	}
	list, err := s.deps.Quarantine.ListQuarantined(r.Context(), views.RefusedQuery{
		Reason: page.Reason, After: r.URL.Query().Get("after"),
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	for _, row := range list.Rows {
		line := refusedLine{RefusedRow: row, Size: len(row.Payload)}
		line.Text, line.Form = payloadText(row.Payload)
		page.Rows = append(page.Rows, line)
	}
	page.Pager = pagerOf(r, list.Next)
	s.show(w, "quarantine", page)
}

// replayRefused gives one message, or all of a reason, to the pipeline again.
func (s *Server) replayRefused(w http.ResponseWriter, r *http.Request) {
	reason := ingest.Reason(r.PostFormValue("reason"))
	var ids []string
	if id := r.PostFormValue("id"); id != "" {
		ids = []string{id}
	}
	if (len(ids) == 0) == (reason == "") || reason != "" && !slices.Contains(ingest.Reasons(), reason) {
		s.renderError(w, r, http.StatusUnprocessableEntity, "Choose a message or a reason to replay.")
		return
	}
	messages, err := s.deps.Quarantine.RefusedToReplay(r.Context(), reason, ids, replayBatch)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	n, err := s.replay(r.Context(), messages)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	back(w, r, fmt.Sprintf("/quarantine?reason=%s&replayed=%d", url.QueryEscape(string(reason)), n))
}
