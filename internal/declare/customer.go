package declare

import (
	"cmp"
	"errors"
	"net/mail"
	"strings"
	"time"
	_ "time/tzdata" // zones must be known on machines without a zone database

	"golang.org/x/text/language"

	"telltale/tickets/crm"
)

// Defaults of a customer.
const (
	defaultTier     = "standard"
	defaultLanguage = "en"
	defaultTimezone = "UTC"
)

func readCustomer(f *fields) any {
	c := &crm.Customer{
		ID:       f.mustID("id"),
		Name:     f.mustText("name"),
		Tier:     cmp.Or(f.text("tier"), defaultTier),
		Language: defaultLanguage,
		Timezone: defaultTimezone,
	}
	if v, ok := f.has("language"); ok {
		c.Language = v.language()
	}
	if v, ok := f.has("timezone"); ok {
		c.Timezone = v.timezone()
	}
	if v, ok := f.has("crm"); ok {
		record := v.fields()
		c.Record = crm.Record{System: record.mustText("system"), ID: record.mustText("id")}
		record.done()
	}
	c.Contacts = readContacts(f.list("contacts"))
	return c
}

func readContacts(items []value) []crm.Contact {
	var contacts []crm.Contact
	seen := make(map[string]int)
	for _, item := range items {
		f := item.fields()
		contact := crm.Contact{
			ID:      f.mustID("id"),
			Name:    f.mustText("name"),
			Phone:   f.text("phone"),
			Roles:   f.texts("roles"),
			Consent: f.texts("consent"),
		}
		if v, ok := f.has("email"); ok {
			contact.Email = v.email()
		}
		f.done()
		if line, twice := seen[contact.ID]; twice && contact.ID != "" {
			item.failf("contact %s is there twice, first in line %d", contact.ID, line)
		}
		seen[contact.ID] = item.node.Line
		contacts = append(contacts, contact)
	}
	return contacts
}

// language reads a BCP 47 tag.
func (v value) language() string {
	text, ok := v.text()
	if !ok {
		return ""
	}
	_, err := language.Parse(text)
	if err != nil || strings.Contains(text, "_") {
		reason := "its form is wrong"
		if unknown := (language.ValueError)(nil); errors.As(err, &unknown) {
			reason = "there is no " + unknown.Subtag()
		}
		v.failf("%q is not a language tag: %s (write pl or pt-BR)", text, reason)
	}
	return text
}

// timezone reads the name of a zone of the IANA database.
func (v value) timezone() string {
	text, ok := v.text()
	if !ok {
		return ""
	}
	if _, err := time.LoadLocation(text); err != nil || text == "" || text == "Local" {
		v.failf("%q is not a time zone (write Europe/Warsaw)", text)
	}
	return text
}

// email reads a bare address.
func (v value) email() string {
	text, ok := v.text()
	if !ok {
		return ""
	}
	if address, err := mail.ParseAddress(text); err != nil || address.Address != text {
		v.failf("%q is not an e-mail address (write ewa@example.com)", text)
	}
	return text
}

type customerSpec struct {
	ID       string        `json:"id"`
	Name     string        `json:"name"`
	Tier     string        `json:"tier"`
	Language string        `json:"language"`
	Timezone string        `json:"timezone"`
	CRM      crmSpec       `json:"crm,omitzero"`
	Contacts []contactSpec `json:"contacts,omitempty"`
}

type crmSpec struct {
	System string `json:"system"`
	ID     string `json:"id"`
}

type contactSpec struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Email   string   `json:"email,omitempty"`
	Phone   string   `json:"phone,omitempty"`
	Roles   []string `json:"roles,omitempty"`
	Consent []string `json:"consent,omitempty"`
}

func encodeCustomer(c *crm.Customer) customerSpec {
	spec := customerSpec{
		ID: c.ID, Name: c.Name, Tier: c.Tier, Language: c.Language, Timezone: c.Timezone, CRM: crmSpec(c.Record),
	}
	for _, contact := range c.Contacts {
		spec.Contacts = append(spec.Contacts, contactSpec(contact))
	}
	return spec
}
