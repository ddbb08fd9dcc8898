package tickets

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"telltale/devices"
	"telltale/tickets/crm"
)

// Complaint is what a customer says is wrong.
type Complaint struct {
	Customer *crm.Customer
	Text     string
	Device   devices.ID // "": none named; otherwise one that is or was theirs
	Lot      string     // "": none named
}

// Kind of the timeline entry that holds a customer's words.
const EntryComplaint = "complaint"

// subjectWords bounds the part of a complaint that becomes the subject, in
// characters.
const subjectWords = 80

// FileComplaint opens a ticket for what a customer says. Each complaint has a
// ticket of its own: whether two of them, or a complaint and an alarm, are
// about the same thing is for people to judge. It wraps [ErrInvalid] when the
// device is not declared or was never the customer's.
func (d *Desk) FileComplaint(ctx context.Context, person string, c Complaint) (*Ticket, error) {
	text, err := checkText("text", c.Text)
	if err != nil {
		return nil, err
	}
	if err := d.checkComplaint(c); err != nil {
		return nil, err
	}
	var ticket *Ticket
	err = d.transact(ctx, func(store Store) error {
		records, err := store.Load(ctx, Lookup{Numbers: 1})
		if err != nil {
			return fmt.Errorf("reserve ticket number: %w", err)
		}
		b := newBook(records, d.now())
		ticket = b.complain(c, person, text)
		return b.save(ctx, store)
	})
	if err != nil {
		return nil, fmt.Errorf("file complaint of %s: %w", c.Customer.ID, err)
	}
	return ticket, nil
}

func (d *Desk) checkComplaint(c Complaint) error {
	if c.Device == "" {
		return nil
	}
	device, declared := d.catalog.Directory().Device(c.Device)
	if !declared {
		return refuse(ErrInvalid, "There is no device %q.", c.Device)
	}
	for _, o := range device.Owners {
		if o.Customer == c.Customer.ID {
			return nil
		}
	}
	return refuse(ErrInvalid, "Device %s never belonged to customer %s.", c.Device, c.Customer.ID)
}

// complain makes the ticket of a complaint.
func (b *book) complain(c Complaint, person, text string) *Ticket {
	number := b.nextNumber()
	t := &Ticket{
		ID: FormatID(number), Number: number, Status: New, Priority: complaintPriority(c.Customer),
		DedupKey: "complaint " + FormatID(number), CustomerID: c.Customer.ID, DeviceID: string(c.Device),
		Subject: complaintSubject(c, text), Occurrences: 1,
		ObservedAt: b.now, OpenedAt: b.now, UpdatedAt: b.now,
	}
	if contact, ok := c.Customer.ContactFor(ownerRole); ok {
		t.ContactID = contact.ID
	}
	b.addTicket(t)
	opened := fmt.Sprintf("Opened for a complaint of %s (%s), taken down by %s.", c.Customer.Name, c.Customer.ID, person)
	if c.Lot != "" {
		opened += fmt.Sprintf("\nIt names lot %s.", oneLine(c.Lot))
	}
	b.note(t, Entry{Actor: person, Kind: EntryOpened, Text: opened})
	b.note(t, Entry{Actor: person, Kind: EntryComplaint, Text: text, Public: true})
	b.tellTicket(EventTicketOpened, t, rand.Text())
	return t
}

// complaintPriority is that of a minor fault: a person noticed, no rule did.
func complaintPriority(customer *crm.Customer) Priority {
	if customer.Tier == raisedTier {
		return High
	}
	return Normal
}

func complaintSubject(c Complaint, text string) string {
	words := []rune(oneLine(text))
	if len(words) > subjectWords {
		words = append(words[:subjectWords-1], '…')
	}
	var about strings.Builder
	about.WriteString("Complaint")
	if c.Device != "" {
		fmt.Fprintf(&about, " about %s", c.Device)
	}
	if c.Lot != "" {
		fmt.Fprintf(&about, " about lot %s", oneLine(c.Lot))
	}
	return about.String() + ": " + string(words)
}
