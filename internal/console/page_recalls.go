package console

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"telltale/internal/access"
	"telltale/internal/views"
	"telltale/tickets/recalls"
)

// recallLine is a recall with the state of its ledger.
type recallLine struct {
	*recalls.Recall
	Heading   string
	Balance   recalls.Balance
	Approvals int
}

func recallLines(all []*recalls.Recall) []recallLine {
	lines := make([]recallLine, len(all))
	for i, r := range all {
		lines[i] = recallLine{Recall: r, Heading: goodsOf(r), Balance: r.Balance()}
		for _, sig := range r.Signatures {
			if sig.Meaning == "approved" {
				lines[i].Approvals++
			}
		}
	}
	return lines
}

type recallsContents struct {
	*chrome
	ToSign  []recallLine
	Decided []recallLine
	Pager   pager
	Empty   empty
}

func (s *Server) recallsPage(w http.ResponseWriter, r *http.Request) {
	c, _, err := s.frame(r, "Recalls", "recalls")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := recallsContents{chrome: c, Empty: empty{
		Title: "No recalls", Text: "When a shipment uses up a temperature budget, its lots are held and a recall is proposed here for two people to sign.",
	}}
	after := r.URL.Query().Get("after")
	if after == "" {
		toSign, err := s.deps.Recalls.ListRecalls(r.Context(), recalls.Query{Statuses: []recalls.Status{recalls.Proposed}})
		if err != nil {
			s.fail(w, r, err)
			return
		}
		page.ToSign = recallLines(toSign)
	}
	decided, err := s.deps.Recalls.ListRecalls(r.Context(), recalls.Query{
		Statuses: []recalls.Status{recalls.Approved, recalls.Executing, recalls.Closed, recalls.Rejected},
		After:    after, Limit: views.DefaultLimit + 1,
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	next := ""
	if len(decided) > views.DefaultLimit {
		decided = decided[:views.DefaultLimit]
		next = decided[len(decided)-1].ID
	}
	page.Decided, page.Pager = recallLines(decided), pagerOf(r, next)
	s.show(w, "recalls", page)
}

// itemLine is one line of the ledger with the consignee's name.
type itemLine struct {
	recalls.Item
	CustomerName string
	Open         int64
}

// ledgerBar is what became of all units.
type ledgerBar struct {
	Items, Answered int
	Parts           []part
	Bar             template.HTML
}

type recallContents struct {
	*chrome
	Recall  *recalls.Recall
	Heading string
	Lots    []recalls.Lot
	Items   []itemLine
	Ledger  ledgerBar
	Missing string // what the decision still needs

	MaySign, MayApprove, MayReject, MayClose bool
}

func (s *Server) recallPage(w http.ResponseWriter, r *http.Request) {
	recall, err := s.deps.Recalls.Recall(r.Context(), r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	c, _, err := s.frame(r, recall.ID, "recalls")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	var ids []string
	for _, it := range recall.Items {
		ids = append(ids, it.CustomerID)
	}
	names, err := s.deps.Pages.CustomerNames(r.Context(), ids)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := recallContents{chrome: c, Recall: recall, Heading: goodsOf(recall), Lots: lotsOf(recall), Ledger: ledgerOf(recall.Balance())}
	for _, it := range recall.Items {
		page.Items = append(page.Items, itemLine{it, nameOf(names, it.CustomerID), it.Unaccounted()})
	}
	page.decide()
	s.show(w, "recall", page)
}

// goodsOf says which goods are taken back.
func goodsOf(r *recalls.Recall) string {
	var lots []string
	for _, l := range lotsOf(r) {
		lots = append(lots, l.Lot)
	}
	if len(lots) == 1 {
		return "Recall of lot " + lots[0]
	}
	return "Recall of lots " + strings.Join(lots, ", ")
}

// lotsOf are the goods by the number that people look for first.
func lotsOf(r *recalls.Recall) []recalls.Lot {
	return slices.SortedFunc(slices.Values(r.Lots), func(a, b recalls.Lot) int {
		return cmp.Or(strings.Compare(a.Lot, b.Lot), strings.Compare(a.GTIN, b.GTIN))
	})
}

func ledgerOf(b recalls.Balance) ledgerBar {
	l := ledgerBar{Items: b.Consignees, Answered: b.Answered, Parts: []part{
		{"Sent out", b.Quantity, ""},
		{"Returned", b.Returned, "green"},
		{"Destroyed", b.Destroyed, "blue"},
		{"Used", b.Used, "amber"},
		{"Open", b.Unaccounted, ""},
	}}
	l.Bar = partsBar(l.Parts[1:4], b.Quantity)
	return l
}

// decide works out what the reader may do now, and what is missing.
func (p *recallContents) decide() {
	var approvals int
	var signedByReader bool
	for _, sig := range p.Recall.Signatures {
		if sig.Meaning != "approved" {
			continue
		}
		approvals++
		signedByReader = signedByReader || sig.Person == p.Person.Actor
	}
	may := p.Person.Can(access.DecideRecalls)
	switch p.Recall.Status {
	case recalls.Proposed:
		p.MayApprove, p.MayReject = may && !signedByReader, may
		p.Missing = "Two people must approve before the recall starts."
		if approvals == 1 {
			p.Missing = "One more person must approve."
		}
		if signedByReader {
			p.Missing = "You have signed. Another person must approve as well."
		}
	case recalls.Approved, recalls.Executing:
		p.MayClose = may
		if b := p.Recall.Balance(); !b.Closes() {
			p.Missing = fmt.Sprintf("%s not accounted for. Closing now needs a comment that says why.", plural(b.Unaccounted, "unit"))
		}
	}
	p.MaySign = p.MayApprove || p.MayReject || p.MayClose
	if !may && p.Missing != "" {
		p.Missing = cmp.Or(p.Missing) + " That needs the role " + access.Need(access.DecideRecalls) + "."
	}
}

func recallPath(id string) string { return "/recalls/" + url.PathEscape(id) }

// signRecall runs a decision about a recall with the comment that the form
// carries.
func (s *Server) signRecall(decide func(ctx context.Context, id, person, comment string) (*recalls.Recall, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		if _, err := decide(r.Context(), id, actorOf(r.Context()), r.PostFormValue("comment")); err != nil {
			s.fail(w, r, err)
			return
		}
		back(w, r, recallPath(id))
	}
}
