package tickets

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"time"

	"telltale/rules"
	"telltale/tickets/crm"
	"telltale/tickets/outbox"
)

// book is what one decision works on: the records it loaded, and the changes
// it has made to them so far. It does no I/O but in save.
type book struct {
	now     time.Time
	numbers []int64 // reserved for new tickets

	alarms    map[string]*Alarm   // by id
	open      map[AlarmKey]*Alarm // those that stand
	ofTicket  map[string][]*Alarm // by ticket id; those loaded or new
	merges    map[string]Merge    // by raise id
	held      map[string]*HeldAlarm
	tickets   map[string]*Ticket // by id
	unsolved  map[dedup]*Ticket
	earlier   map[dedup]Earlier // the last one solved
	owners    map[OwnedAt]string
	customers map[string]*crm.Customer
	actedOn   map[int64]bool
	rules     map[ruleRef]*rules.Rule // looked up so far

	touched map[any]bool       // alarms, held ones and tickets that are in changes
	untold  map[string][]Entry // by ticket id: lines that no event has told yet
	trace   string             // of the transition that is being applied; "": a person acts
	changes Changes
}

// dedup is what at most one unsolved ticket may be about. The customer is
// part of it: a fault after a sale must not join the former owner's ticket.
type dedup struct{ key, customer string }

// ruleRef names one version of a rule.
type ruleRef struct {
	id      string
	version int
}

func (t *Ticket) dedup() dedup { return dedup{t.DedupKey, t.CustomerID} }

func newBook(records *Records, now time.Time) *book {
	b := &book{
		now:       now,
		alarms:    make(map[string]*Alarm, len(records.Alarms)),
		open:      make(map[AlarmKey]*Alarm, len(records.Alarms)),
		ofTicket:  make(map[string][]*Alarm, len(records.Tickets)),
		merges:    make(map[string]Merge, len(records.Merges)),
		held:      make(map[string]*HeldAlarm, len(records.Held)),
		tickets:   make(map[string]*Ticket, len(records.Tickets)),
		unsolved:  make(map[dedup]*Ticket, len(records.Tickets)),
		earlier:   make(map[dedup]Earlier, len(records.Earlier)),
		owners:    records.Owners,
		customers: records.Customers,
		actedOn:   records.ActedOn,
		numbers:   records.Numbers,
		rules:     map[ruleRef]*rules.Rule{},
		touched:   map[any]bool{},
		untold:    map[string][]Entry{},
	}
	for _, a := range records.Alarms {
		b.keepAlarm(a)
	}
	for _, m := range records.Merges {
		b.merges[m.RaiseID] = m
	}
	for _, h := range records.Held {
		b.held[h.ID] = h
	}
	for _, t := range records.Tickets {
		b.tickets[t.ID] = t
		b.place(t)
	}
	for _, e := range records.Earlier {
		b.earlier[dedup{e.DedupKey, e.CustomerID}] = e
	}
	return b
}

func (b *book) keepAlarm(a *Alarm) {
	b.alarms[a.ID] = a
	if a.Open() {
		b.open[a.OpenKey()] = a
	}
	if a.TicketID != "" {
		b.ofTicket[a.TicketID] = append(b.ofTicket[a.TicketID], a)
	}
}

// place files a ticket by whether work remains on it.
func (b *book) place(t *Ticket) {
	if t.Status.Unsolved() {
		b.unsolved[t.dedup()] = t
		return
	}
	if b.unsolved[t.dedup()] == t {
		delete(b.unsolved, t.dedup())
	}
}

// knows reports whether the raise with the id has been handled before.
func (b *book) knows(raiseID string) bool {
	_, merged := b.merges[raiseID]
	return merged || b.alarms[raiseID] != nil
}

// openAlarm returns an alarm of the ticket that stands, nil when all ended.
func (b *book) openAlarm(t *Ticket) *Alarm {
	for _, a := range b.ofTicket[t.ID] {
		if a.Open() {
			return a
		}
	}
	return nil
}

// ticketOf returns the alarm's ticket, nil when it has none.
func (b *book) ticketOf(a *Alarm) *Ticket {
	if a.TicketID == "" {
		return nil
	}
	return b.tickets[a.TicketID]
}

// nextNumber takes a reserved ticket number.
func (b *book) nextNumber() int64 {
	if len(b.numbers) == 0 {
		panic("tickets: more tickets opened than numbers reserved")
	}
	n := b.numbers[0]
	b.numbers = b.numbers[1:]
	return n
}

func (b *book) addAlarm(a *Alarm) {
	b.keepAlarm(a)
	b.touched[a] = true
	b.changes.NewAlarms = append(b.changes.NewAlarms, a)
}

func (b *book) addTicket(t *Ticket) {
	b.tickets[t.ID] = t
	b.place(t)
	b.touched[t] = true
	b.changes.NewTickets = append(b.changes.NewTickets, t)
}

// changeAlarm must follow every change of an alarm.
func (b *book) changeAlarm(a *Alarm) {
	if !b.touched[a] {
		b.touched[a] = true
		b.changes.ChangedAlarms = append(b.changes.ChangedAlarms, a)
	}
	switch key := a.OpenKey(); {
	case a.Open():
		b.open[key] = a
	case b.open[key] == a:
		delete(b.open, key)
	}
}

// changeTicket must follow every change of a ticket.
func (b *book) changeTicket(t *Ticket) {
	t.UpdatedAt = b.now
	b.place(t)
	if !b.touched[t] {
		b.touched[t] = true
		b.changes.ChangedTickets = append(b.changes.ChangedTickets, t)
	}
}

// move applies an act to a ticket's status and keeps the times that go with
// it. It reports whether the act is allowed.
func (b *book) move(t *Ticket, a act) bool {
	to, ok := next(t.Status, a)
	if !ok {
		return false
	}
	from := t.Status
	t.Status = to
	switch {
	case to == Solved && from != Solved:
		t.SolvedAt = b.now
		b.earlier[t.dedup()] = Earlier{ID: t.ID, SolvedAt: t.SolvedAt}
	case to == Closed && from != Closed:
		t.ClosedAt = b.now
	case to.Unsolved() && !from.Unsolved():
		t.SolvedAt = time.Time{}
	}
	b.changeTicket(t)
	return true
}

// note adds a line to a ticket's timeline.
func (b *book) note(t *Ticket, e Entry) {
	e.At = b.now
	if e.Actor == "" {
		e.Actor = Self
	}
	b.changes.Entries = append(b.changes.Entries, TicketEntry{Ticket: t.Number, Entry: e})
	b.untold[t.ID] = append(b.untold[t.ID], e)
}

// tellAlarm adds an event about an alarm as it is now. The cause tells apart
// events of one type about one alarm. Nobody is told of a rule on trial.
func (b *book) tellAlarm(kind string, a *Alarm, cause string) {
	if a.Mode != rules.Live {
		return
	}
	key := a.ID
	if a.TicketID != "" {
		key = a.TicketID // in order with its ticket's events
	}
	b.tell(outbox.Event{Type: kind, Subject: a.ID, OrderingKey: key}, a.View(), cause)
}

// tellTicket adds an event about a ticket as it is now, with the lines that
// its timeline has got since the last one.
func (b *book) tellTicket(kind string, t *Ticket, cause string) {
	shown := *t
	shown.Timeline = b.untold[t.ID]
	delete(b.untold, t.ID)
	b.tell(outbox.Event{Type: kind, Subject: t.ID, OrderingKey: t.ID}, shown.View(), cause)
}

func (b *book) tell(e outbox.Event, view any, cause string) {
	data, err := json.Marshal(view)
	if err != nil { // views hold strings, times and finite numbers only
		panic(fmt.Sprintf("tickets: encode %s: %v", e.Type, err))
	}
	e.ID = eventID(e.Type, e.Subject, cause)
	e.At = b.now
	e.Trace = b.trace
	e.Data = data
	b.changes.Events = append(b.changes.Events, e)
}

// eventID derives an event's id from what caused it, so that the same cause
// can never be told twice under two ids.
func eventID(kind, subject, cause string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + subject + "\x00" + cause))
	return "evt_" + base32.StdEncoding.EncodeToString(sum[:])[:26]
}

// save writes the changes, if there are any.
func (b *book) save(ctx context.Context, store Store) error {
	if b.changes.Empty() {
		return nil
	}
	if err := store.Save(ctx, &b.changes); err != nil {
		return fmt.Errorf("save alarms and tickets: %w", err)
	}
	return nil
}
