package tickets

import (
	"fmt"
	"strings"
	"time"

	"telltale/devices"
	"telltale/rules"
	"telltale/tickets/crm"
)

// defaultSubject is the subject where a rule names none.
const defaultSubject = "{{device.id}}: {{rule.title}}"

// description is what is declared about the device of a fault.
type description struct {
	device *devices.Device
	fault  devices.FaultCode // the first code present that its model knows; Code alone when none is known
}

// describe gathers what is declared about the device. A device that is no
// longer declared has its id and nothing else.
func (d *Desk) describe(id devices.ID, t *rules.Transition) description {
	about := description{device: &devices.Device{ID: id}}
	directory := d.catalog.Directory()
	if directory == nil {
		return about
	}
	if dev, ok := directory.Device(id); ok {
		about.device = dev
	}
	if len(t.Faults) > 0 {
		about.fault.Code = t.Faults[0]
	}
	model, ok := directory.ModelOf(id)
	if !ok {
		return about
	}
	for _, code := range t.Faults {
		if fault, known := model.Faults[code]; known {
			about.fault = fault
			about.fault.Code = code
			break
		}
	}
	return about
}

// subjectFor fills the rule's subject template.
func subjectFor(rule *rules.Rule, t *rules.Transition, about description, customer *crm.Customer) string {
	template := rule.Ticket.Subject
	if template == "" {
		template = defaultSubject
	}
	texts := map[string]string{
		"device.id": string(about.device.ID), "device.serial": about.device.Serial,
		"device.site": about.device.Site, "device.model": about.device.Model,
		"rule.title": ruleTitle(rule), "severity": t.Severity.String(),
		"fault.code": about.fault.Code, "fault.title": about.fault.Title,
	}
	if customer != nil {
		texts["customer.name"] = customer.Name
	}
	return render(template, texts, t.Values)
}

func ruleTitle(rule *rules.Rule) string {
	if rule.Title == "" {
		return rule.ID
	}
	return rule.Title
}

// openedText says what opened a ticket, for whom, and why it has its
// priority.
func openedText(ticket *Ticket, rule *rules.Rule, t *rules.Transition, customer *crm.Customer) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Opened by rule %s, version %d (%s), severity %s, raised at %s.",
		rule.ID, t.RuleVersion, ruleTitle(rule), t.Severity, clock(t.RaisedAt))
	if t.PendingSince.Before(t.RaisedAt) && !t.PendingSince.IsZero() {
		fmt.Fprintf(&b, " It had held since %s.", clock(t.PendingSince))
	}

	if customer != nil {
		fmt.Fprintf(&b, "\nFor %s (%s), who owned %s then.", customer.Name, customer.ID, ticket.DeviceID)
	} else {
		fmt.Fprintf(&b, "\nFor no customer: nobody owned %s then.", ticket.DeviceID)
	}

	_, reason := firstPriority(rule, t.Severity, customer)
	fmt.Fprintf(&b, "\nPriority %s: %s.", ticket.Priority, reason)
	return b.String()
}

// clock prints a time for a sentence.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// span prints a duration for a sentence; a time by another clock may lie ahead.
func span(d time.Duration) string { return devices.Span(max(d, 0)) }

// statusWords prints a status for a sentence.
func statusWords(s Status) string { return strings.ReplaceAll(string(s), "_", " ") }
