package console

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"telltale/internal/access"
	"telltale/tickets/crm"
)

// idInput is a request for one thing.
type idInput struct {
	ID string `path:"id"`
}

// customerView is a customer as the API shows it, in the shape of its
// declaration.
type customerView struct {
	ID       string        `json:"id"`
	Name     string        `json:"name"`
	Tier     string        `json:"tier"`
	Language string        `json:"language" doc:"BCP 47"`
	Timezone string        `json:"timezone" doc:"IANA name"`
	CRM      *recordView   `json:"crm" doc:"where the account lives; null: nowhere"`
	Contacts []contactView `json:"contacts"`
}

type recordView struct {
	System string `json:"system"`
	ID     string `json:"id"`
}

type contactView struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Email   string   `json:"email"`
	Phone   string   `json:"phone"`
	Roles   []string `json:"roles"`
	Consent []string `json:"consent"`
}

func showCustomer(c *crm.Customer) customerView {
	v := customerView{
		ID: c.ID, Name: c.Name, Tier: c.Tier, Language: c.Language, Timezone: c.Timezone,
		Contacts: make([]contactView, len(c.Contacts)),
	}
	if c.Record != (crm.Record{}) {
		v.CRM = &recordView{System: c.Record.System, ID: c.Record.ID}
	}
	for i, contact := range c.Contacts {
		v.Contacts[i] = contactView{
			ID: contact.ID, Name: contact.Name, Email: contact.Email, Phone: contact.Phone,
			Roles: orEmpty(contact.Roles), Consent: orEmpty(contact.Consent),
		}
	}
	return v
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

type customerAnswer struct{ Body customerView }

type customerListInput struct {
	Stretch
	Tier string `query:"tier"`
}

func (s *rest) registerCustomers() {
	tags := []string{"customers"}
	route(s, huma.Operation{
		OperationID: "list-customers", Method: http.MethodGet, Path: "/customers", Tags: tags, Summary: "Customers by id",
	}, access.Read, s.listCustomers)
	route(s, huma.Operation{
		OperationID: "get-customer", Method: http.MethodGet, Path: "/customers/{id}", Tags: tags, Summary: "One customer",
	}, access.Read, func(ctx context.Context, in *idInput) (*customerAnswer, error) {
		c, err := s.deps.Customers.Customer(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return &customerAnswer{Body: showCustomer(c)}, nil
	})
}

func (s *rest) listCustomers(ctx context.Context, in *customerListInput) (*list[customerView], error) {
	key, err := parseCursor("customers", in.Cursor, 1)
	if err != nil {
		return nil, err
	}
	q := crm.Query{Tier: in.Tier, Limit: in.Limit + 1}
	if key != nil {
		q.After = key[0]
	}
	rows, err := s.deps.Customers.ListCustomers(ctx, q)
	if err != nil {
		return nil, err
	}
	return page("customers", rows, in.Limit, showCustomer,
		func(c *crm.Customer) []string { return []string{c.ID} }), nil
}
