package tickets_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"telltale/devices"
	"telltale/rules"
	"telltale/tickets"
)

// TestNoSequenceLeavesAnOrphanOrATwin plays random lives of alarms, cut into
// transactions at random and partly handled twice, with people acting between
// them. Whatever happens, no ticket is left unsolved whose alarms have all
// ended (unless a person has put it there), no two are open about the same
// thing, and the counts agree.
func TestNoSequenceLeavesAnOrphanOrATwin(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	var plays atomic.Int64
	rapid.Check(t, func(r *rapid.T) {
		p := &play{shop: s, device: devices.ID(fmt.Sprintf("unit-%d", plays.Add(1))), at: noon,
			open: map[string]rules.Transition{}, ended: map[string]string{}, touched: map[string]bool{}}
		for range rapid.IntRange(1, 6).Draw(r, "rounds") {
			batch := p.transitions(r)
			p.handle(t, r, batch)
			if rapid.IntRange(0, 3).Draw(r, "redelivered") == 0 {
				p.handle(t, r, batch)
			}
			p.check(t, r)
			p.person(t, r)
			p.check(t, r)
		}
	})
}

// play is one random life of a device's alarms, as an engine would decide it.
type play struct {
	*shop
	device  devices.ID
	at      time.Time
	open    map[string]rules.Transition // what the engine holds for raised, by rule
	ended   map[string]string           // the alarm that ended last, by rule
	touched map[string]bool             // tickets whose status a person has set
}

func (p *play) transitions(r *rapid.T) []rules.Transition {
	var batch []rules.Transition
	for range rapid.IntRange(1, 8).Draw(r, "transitions") {
		p.at = p.at.Add(time.Minute)
		rule := rapid.SampledFrom([]string{"warm", "latched"}).Draw(r, "rule")
		current, isOpen := p.open[rule]
		if !isOpen {
			current = raised(rule, p.device, p.at)
			if rapid.Bool().Draw(r, "soon") {
				current.Reopens = p.ended[rule]
			}
			p.open[rule] = current
			batch = append(batch, current)
			continue
		}
		next := current
		next.At = p.at
		switch rapid.SampledFrom([]rules.Change{rules.Repeated, rules.Escalated, rules.Deescalated, rules.Cleared, rules.Cleared}).Draw(r, "change") {
		case rules.Repeated:
			next.Change = rules.Repeated
			next.Occurrences += rapid.Int64Range(1, 20).Draw(r, "more")
		case rules.Escalated:
			next.Change, next.Severity = rules.Escalated, rules.Critical
		case rules.Deescalated:
			next.Change, next.Severity = rules.Deescalated, rules.Minor
		case rules.Cleared:
			next.Change = rules.Cleared
			p.ended[rule] = next.AlarmID
			delete(p.open, rule)
		}
		if next.Change != rules.Cleared {
			p.open[rule] = next
		}
		batch = append(batch, next)
	}
	return batch
}

func (p *play) handle(t *testing.T, r *rapid.T, batch []rules.Transition) {
	for len(batch) > 0 {
		n := rapid.IntRange(1, len(batch)).Draw(r, "cut")
		if err := p.try(t.Context(), batch[:n]...); err != nil {
			r.Fatal(err)
		}
		batch = batch[n:]
	}
}

// person does something at random; what is refused is no matter.
func (p *play) person(t *testing.T, r *rapid.T) {
	list := p.mine(t, r)
	if len(list) == 0 {
		return
	}
	ticket := rapid.SampledFrom(list).Draw(r, "ticket")
	switch rapid.IntRange(0, 5).Draw(r, "act") {
	case 0:
		status := rapid.SampledFrom(tickets.Statuses()).Draw(r, "status")
		if status != ticket.Status {
			if _, err := p.desk.Update(t.Context(), ticket.ID, "ana", tickets.Patch{Status: &status}); err == nil {
				p.touched[ticket.ID] = true
			}
		}
	case 1:
		ana := "ana"
		_, _ = p.desk.Update(t.Context(), ticket.ID, "boss", tickets.Patch{Assignee: &ana})
	case 2:
		_, _ = p.desk.AcknowledgeAlarm(t.Context(), rapid.SampledFrom(ticket.AlarmIDs).Draw(r, "alarm"), "ana", "Seen.")
	case 3:
		_, _ = p.desk.ShelveAlarm(t.Context(), ticket.AlarmIDs[0], "ana", p.clock.Add(time.Hour), "Later.")
	case 4:
		if _, err := p.desk.TendShelves(t.Context(), p.clock.Add(time.Duration(rapid.IntRange(0, 90).Draw(r, "minutes"))*time.Minute)); err != nil {
			r.Fatal(err)
		}
	}
}

func (p *play) mine(t *testing.T, r *rapid.T) []*tickets.Ticket {
	list, err := p.db.ListTickets(t.Context(), tickets.Query{Device: string(p.device)})
	if err != nil {
		r.Fatal(err)
	}
	return list
}

func (p *play) check(t *testing.T, r *rapid.T) {
	alarms, err := p.db.ListAlarms(t.Context(), tickets.AlarmQuery{Device: string(p.device)})
	if err != nil {
		r.Fatal(err)
	}
	active := map[string]int{}
	for _, a := range alarms {
		if a.Active() {
			active[a.Key.Rule]++
		}
	}
	for _, rule := range []string{"warm", "latched"} {
		want := 0
		if _, isOpen := p.open[rule]; isOpen {
			want = 1
		}
		if active[rule] != want {
			r.Fatalf("%d active alarms of %s, the engine has %d", active[rule], rule, want)
		}
	}

	unsolved := map[string]int{}
	for _, ticket := range p.mine(t, r) {
		p.checkTicket(r, ticket, alarms)
		if ticket.Status.Unsolved() {
			unsolved[ticket.RuleID]++
		}
	}
	for rule, n := range unsolved {
		if n > 1 {
			r.Fatalf("%d unsolved tickets of %s", n, rule)
		}
	}
}

func (p *play) checkTicket(r *rapid.T, ticket *tickets.Ticket, alarms []*tickets.Alarm) {
	var open, occurrences int64
	for _, a := range alarms {
		if a.TicketID != ticket.ID {
			continue
		}
		if !slices.Contains(ticket.AlarmIDs, a.ID) {
			r.Fatalf("%s does not know its alarm %s", ticket.ID, a.ID)
		}
		occurrences += a.Occurrences
		if a.Open() {
			open++
		}
	}
	if occurrences != ticket.Occurrences {
		r.Fatalf("%s has %d occurrences, its alarms %d", ticket.ID, ticket.Occurrences, occurrences)
	}
	if ticket.Status.Unsolved() && open == 0 && !p.touched[ticket.ID] {
		r.Fatalf("%s is %s and all its alarms have ended", ticket.ID, ticket.Status)
	}
	if ticket.Status == tickets.Closed && open > 0 {
		r.Fatalf("%s is closed and %d of its alarms are open", ticket.ID, open)
	}
}
