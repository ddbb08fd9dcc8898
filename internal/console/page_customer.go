package console

import (
	"net/http"

	"telltale/internal/views"
	"telltale/tickets/crm"
)

type customerContents struct {
	*chrome
	Customer *crm.Customer
	Tickets  []ticketLine
	Devices  []deviceLine

	NoTickets, NoDevices, NoContacts empty
}

func (s *Server) customerPage(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	customer, err := s.deps.Customers.Customer(ctx, r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	c, _, err := s.frame(r, customer.Name, "")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := customerContents{
		chrome: c, Customer: customer,
		NoTickets:  empty{Title: "No tickets", Text: "Nothing of this customer's has needed work.", Slim: true},
		NoDevices:  empty{Title: "No devices", Text: "The customer owns no device now.", Slim: true},
		NoContacts: empty{Title: "No contacts", Text: "Declare contacts, or nobody can be told.", Slim: true},
	}
	list, err := s.deps.Pages.TicketRows(ctx, views.TicketQuery{Customer: customer.ID, Limit: 10})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page.Tickets = ticketLines(list.Rows)
	owned, err := s.deps.Pages.DeviceRows(ctx, views.DeviceQuery{Owner: customer.ID}, c.Now)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	for _, row := range owned.Rows {
		page.Devices = append(page.Devices, deviceLineOf(row, nil, c.Now))
	}
	s.show(w, "customer", page)
}
