package excursion

import (
	"fmt"
	"time"

	"telltale/devices/shipments"
)

// finding is one reason for a verdict.
type finding struct {
	verdict shipments.Verdict
	why     string
}

// judge lists everything that speaks against the shipment.
func judge(p *shipments.StorageProfile, a *Assessment, mkt meanKinetic) []finding {
	var out []finding
	for _, use := range a.Budgets {
		if use.UsedUp() {
			out = append(out, finding{use.Budget.Verdict, fmt.Sprintf("the budget of %s %s was used up at %s",
				durationText(use.Budget.For), conditionText(use.Budget), timeText(use.UsedUpAt))})
		}
	}
	if len(a.Excursions) > 0 {
		out = append(out, finding{shipments.Review, fmt.Sprintf("readings lay outside %s", limitsText(p.Limits))})
	}
	if mkt.over {
		out = append(out, finding{shipments.Review, fmt.Sprintf(
			"the mean kinetic temperature passed %s", celsiusText(p.MKT.Max))})
	}
	if len(a.Gaps) > 0 {
		if p.Gaps.CountAs == shipments.GapWorstCase {
			out = append(out, finding{shipments.Review, "time without readings counts as the worst case"})
		} else {
			out = append(out, finding{shipments.Unknown, "there is time without readings"})
		}
	}
	if a.Min == nil {
		out = append(out, finding{shipments.Unknown, "there is no reading to judge by"})
	}
	return out
}

func verdictOf(findings []finding) shipments.Verdict {
	verdict := shipments.OK
	for _, f := range findings {
		verdict = shipments.Worse(verdict, f.verdict)
	}
	return verdict
}

// UsedUpBudgets returns the budgets with the verdict of which nothing
// remains, in the profile's order.
func (a *Assessment) UsedUpBudgets(v shipments.Verdict) []BudgetUse {
	var out []BudgetUse
	for _, use := range a.Budgets {
		if use.UsedUp() && use.Budget.Verdict == v {
			out = append(out, use)
		}
	}
	return out
}

func timeText(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
