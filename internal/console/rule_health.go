package console

import (
	"telltale/internal/views"
	"telltale/rules"
)

// healthOf is how a rule fares.
func healthOf(unwell map[string]views.RuleHealth, id string) views.RuleHealth {
	if h, ok := unwell[id]; ok {
		return h
	}
	return views.RuleHealth{State: rules.Healthy}
}
