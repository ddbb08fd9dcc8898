package declare

import "telltale/tickets"

// checkRules looks at what rules say in languages of their own.
func (s *Set) checkRules(_ Known, faults *Errors) {
	for _, r := range s.Rules {
		if err := tickets.CheckTemplate(r.Ticket.Subject); err != nil {
			fault := s.fault(Ref{KindRule, r.ID}, "ticket", "subject: %v", err)
			fault.Line = s.lineOf(fault.Ref, "ticket", r.Ticket.Subject, fault.Line)
			*faults = append(*faults, fault)
		}
	}
}
