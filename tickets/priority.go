package tickets

import (
	"fmt"
	"slices"

	"telltale/rules"
	"telltale/tickets/crm"
)

// Priorities lists all of them in rising order.
func Priorities() []Priority { return []Priority{Low, Normal, High, Urgent} }

// raisedTier is the customer tier whose tickets go one priority higher.
const raisedTier = "gold"

// PriorityFor returns the priority of a fault of the given severity for a
// customer of the given tier, where the rule does not name one.
func PriorityFor(severity rules.Severity, tier string) Priority {
	all := Priorities()
	rank := min(int(severity), len(all)-1) // info is low, critical is urgent
	if tier == raisedTier {
		rank = min(rank+1, len(all)-1)
	}
	return all[rank]
}

// rank returns p's place among the priorities, -1 for none of them.
func (p Priority) rank() int { return slices.Index(Priorities(), p) }

// up returns the priority that follows a rise of the severity: as many steps
// higher, so that what the rule or a person chose still counts.
func (p Priority) up(from, to rules.Severity) Priority {
	if to <= from {
		return p
	}
	all := Priorities()
	return all[min(max(p.rank(), 0)+int(to-from), len(all)-1)]
}

// firstPriority returns the priority of a new ticket, and why it is that.
func firstPriority(rule *rules.Rule, severity rules.Severity, customer *crm.Customer) (Priority, string) {
	if p := Priority(rule.Ticket.Priority); p.rank() >= 0 {
		return p, "the rule says so"
	}
	if customer == nil {
		return PriorityFor(severity, ""), fmt.Sprintf("severity %s", severity)
	}
	return PriorityFor(severity, customer.Tier), fmt.Sprintf("severity %s, customer tier %s", severity, customer.Tier)
}

func severityReason(from, to rules.Severity) string {
	return fmt.Sprintf("severity rose from %s to %s", from, to)
}
