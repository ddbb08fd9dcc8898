package crm_test

import (
	"fmt"
	"testing"

	"telltale/tickets/crm"
)

func TestContactFor(t *testing.T) {
	t.Parallel()
	ewa := crm.Contact{ID: "P-1", Roles: []string{"quality"}}
	jan := crm.Contact{ID: "P-2", Roles: []string{"quality", "owner"}}
	tests := []struct {
		name     string
		contacts []crm.Contact
		want     string
	}{
		{"who has the role", []crm.Contact{ewa, jan}, "P-2"},
		{"else the first", []crm.Contact{ewa}, "P-1"},
		{"nobody", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			customer := crm.Customer{Contacts: tt.contacts}
			got, ok := customer.ContactFor("owner")
			if got.ID != tt.want || ok != (tt.want != "") {
				t.Errorf("got %q, %v; want %q", got.ID, ok, tt.want)
			}
		})
	}
}

func ExampleCustomer_ContactFor() {
	customer := crm.Customer{Contacts: []crm.Contact{
		{Name: "Ewa Nowak", Roles: []string{"owner", "quality"}},
		{Name: "Jan Lis", Roles: []string{"logistics"}},
	}}
	contact, _ := customer.ContactFor("logistics")
	fmt.Println(contact.Name)
	// Output: Jan Lis
}
