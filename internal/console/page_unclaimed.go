package console

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"telltale/devices"
	"telltale/internal/access"
	"telltale/internal/declare"
	"telltale/internal/views"
	"telltale/tickets/crm"
)

type unclaimedContents struct {
	*chrome
	Text      string
	Rows      []stranger
	ModelIDs  []string
	Customers []*crm.Customer
	Pager     pager
	Empty     empty
	Claimed   int64 // just now
	MayClaim  bool

	Form    claimForm // as it was sent, when it was refused
	Refusal []string  // why it was; nothing is claimed then
}

// claimForm is what somebody filled in.
type claimForm struct {
	Claim
	IDs []devices.ID
}

// Ticked reports whether the device is to be claimed.
func (f claimForm) Ticked(id devices.ID) bool { return slices.Contains(f.IDs, id) }

// shownCustomers bounds the customers that the form proposes.
const shownCustomers = 200

// unclaimedPage lists devices that send and are not declared.
func (s *Server) unclaimedPage(w http.ResponseWriter, r *http.Request) {
	s.showUnclaimed(w, r, http.StatusOK, claimForm{}, nil)
}

// showUnclaimed shows them with the form as it was filled in, and why it was
// refused.
func (s *Server) showUnclaimed(w http.ResponseWriter, r *http.Request, status int, form claimForm, refusal []string) {
	ctx, get := r.Context(), r.URL.Query().Get
	c, _, err := s.frame(r, "Unclaimed devices", "devices")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := unclaimedContents{
		chrome: c, Text: get("q"), MayClaim: c.Person.Can(access.Declare),
		Empty: empty{Title: "No unclaimed devices", Text: "Every device that sends is declared."},
		Form:  form, Refusal: refusal,
	}
	page.Claimed, _ = strconv.ParseInt(get("claimed"), 10, 64)
	list, err := s.deps.Quarantine.UnclaimedRows(ctx, views.UnclaimedQuery{Text: page.Text, After: get("after")})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	models, err := s.deps.Pages.Models(ctx)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if page.Customers, err = s.deps.Customers.ListCustomers(ctx, crm.Query{Limit: shownCustomers}); err != nil {
		s.fail(w, r, err)
		return
	}
	for _, row := range list.Rows {
		page.Rows = append(page.Rows, s.strangerOf(row, models))
	}
	page.ModelIDs = slices.Sorted(maps.Keys(models))
	page.Pager = pagerOf(r, list.Next)
	s.render(w, status, "unclaimed", "layout", page)
}

// claimFromPage declares the devices that were ticked.
func (s *Server) claimFromPage(w http.ResponseWriter, r *http.Request) {
	field := r.PostFormValue
	form := claimForm{Claim: Claim{
		Model: field("model"), Customer: field("customer"), Site: field("site"), Serial: field("serial"),
	}}
	for _, id := range r.PostForm["id"] {
		form.IDs = append(form.IDs, devices.ID(id))
	}
	if len(form.IDs) == 0 || form.Model == "" {
		s.showUnclaimed(w, r, http.StatusUnprocessableEntity, form, []string{"Tick the devices to claim and choose their model."})
		return
	}
	_, err := s.claimDevices(r.Context(), form.IDs, form.Claim)
	var faults declare.Errors
	if errors.As(err, &faults) {
		s.showUnclaimed(w, r, http.StatusUnprocessableEntity, form, claimFaults(faults, len(form.IDs)))
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if len(form.IDs) == 1 {
		back(w, r, "/devices/"+url.PathEscape(string(form.IDs[0])))
		return
	}
	back(w, r, "/devices/unclaimed?claimed="+strconv.Itoa(len(form.IDs)))
}

// claimFaults are sentences: one for what is wrong with all claims alike, and
// one for each device where it is not.
func claimFaults(faults declare.Errors, claims int) []string {
	times := make(map[string]int)
	for _, f := range faults {
		times[f.Message]++
	}
	var sentences []string
	for _, f := range faults {
		said := f.Message
		if f.Hint != "" {
			said += " (" + f.Hint + ")"
		}
		if said = sentence(said); times[f.Message] < claims {
			said = f.Ref.ID + ": " + said
		}
		if !slices.Contains(sentences, said) {
			sentences = append(sentences, said)
		}
	}
	return sentences
}
