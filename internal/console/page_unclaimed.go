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
}

// shownCustomers bounds the customers that the form proposes.
const shownCustomers = 200

// unclaimedPage lists devices that send and are not declared.
func (s *Server) unclaimedPage(w http.ResponseWriter, r *http.Request) {
	ctx, get := r.Context(), r.URL.Query().Get
	c, _, err := s.frame(r, "Unclaimed devices", "devices")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := unclaimedContents{
		chrome: c, Text: get("q"), MayClaim: c.Person.Can(access.Declare),
		Empty: empty{Title: "No unclaimed devices", Text: "Every device that sends is declared."},
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
	s.show(w, "unclaimed", page)
}

// claimFromPage declares the devices that were ticked.
func (s *Server) claimFromPage(w http.ResponseWriter, r *http.Request) {
	form := r.PostFormValue
	var ids []devices.ID
	for _, id := range r.PostForm["id"] {
		ids = append(ids, devices.ID(id))
	}
	if len(ids) == 0 || form("model") == "" {
		s.renderError(w, r, http.StatusUnprocessableEntity, "Tick the devices to claim and choose their model.")
		return
	}
	_, err := s.claimDevices(r.Context(), ids, Claim{
		Model: form("model"), Customer: form("customer"), Site: form("site"), Serial: form("serial"),
	})
	var faults declare.Errors
	if errors.As(err, &faults) {
		s.renderError(w, r, http.StatusUnprocessableEntity, faults.Error())
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if len(ids) == 1 {
		back(w, r, "/devices/"+url.PathEscape(string(ids[0])))
		return
	}
	back(w, r, "/devices/unclaimed?claimed="+strconv.Itoa(len(ids)))
}
