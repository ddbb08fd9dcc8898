package crm

// Customer is an account: who owns devices and receives goods.
type Customer struct {
	ID       string
	Name     string
	Tier     string // standard, gold, ...
	Language string // BCP 47
	Timezone string // IANA name
	Record   Record // where the account lives in the CRM; zero: nowhere
	Contacts []Contact
}

// Record names an object in another system.
type Record struct {
	System string // hubspot, salesforce, ...
	ID     string
}

// Contact is a person at a customer.
type Contact struct {
	ID      string
	Name    string
	Email   string
	Phone   string
	Roles   []string // owner, quality, ...
	Consent []string // service, offers, ...
}

// ContactFor returns the first contact with the role, else the first one, and
// false when the customer has none.
func (c *Customer) ContactFor(role string) (Contact, bool) {
	for _, contact := range c.Contacts {
		for _, r := range contact.Roles {
			if r == role {
				return contact, true
			}
		}
	}
	if len(c.Contacts) == 0 {
		return Contact{}, false
	}
	return c.Contacts[0], true
}
