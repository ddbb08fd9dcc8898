package backtest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"telltale/devices"
	"telltale/rules"
)

// variant is one wording of the rules among those that are played beside each
// other on the same readings. In the engine its rules have ids of their own,
// so that one pass over the readings does for all.
type variant struct {
	mark   string // what is put behind the ids of its rules; "": the rules on trial themselves
	rules  map[string]rules.Rule
	alarms []Alarm
}

// markedBy parts a rule's id from its variant. No declared id has it.
const markedBy = "\x1f"

func newVariant(number int, declared []rules.Rule) *variant {
	v := &variant{rules: make(map[string]rules.Rule, len(declared))}
	if number > 0 {
		v.mark = markedBy + strconv.Itoa(number) + markedBy
	}
	for _, r := range declared {
		v.rules[r.ID] = r
	}
	return v
}

// inEngine returns the variant's rules as the engine gets to know them. What
// inhibits them is the same variant's rule if there is one.
func (v *variant) inEngine() []rules.Rule {
	all := make([]rules.Rule, 0, len(v.rules))
	for _, r := range v.rules {
		r.InhibitedBy = slices.Clone(r.InhibitedBy)
		for i, by := range r.InhibitedBy {
			if _, own := v.rules[by.Rule]; own {
				r.InhibitedBy[i].Rule = by.Rule + v.mark
			}
		}
		r.ID += v.mark
		r.Version = max(r.Version, 1)
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b rules.Rule) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// variantOf returns the variant of a rule's id in the engine; nil for rules
// that are played for the sake of others.
func (p *player) variantOf(id string) *variant {
	name, mark, marked := strings.Cut(id, markedBy)
	if !marked {
		if _, own := p.variants[0].rules[name]; own {
			return p.variants[0]
		}
		return nil
	}
	number, err := strconv.Atoi(strings.TrimSuffix(mark, markedBy))
	if err != nil || number >= len(p.variants) {
		return nil
	}
	return p.variants[number]
}

// alarm is what a raise begins. What it saw is kept of the rules on trial: of
// the others only how many alarms there were, and when, is told.
func (v *variant) alarm(t *rules.Transition) Alarm {
	a := Alarm{
		RuleID: strings.TrimSuffix(t.Key.Rule, v.mark), RuleVersion: t.RuleVersion, Device: devices.ID(t.Key.Subject.ID),
		PendingSince: t.PendingSince, RaisedAt: t.RaisedAt,
	}
	if v.onTrial() {
		a.Values, a.Explanation = plain(t.Values), t.Explanation
	}
	return a
}

func (v *variant) onTrial() bool { return v.mark == "" }

// sorted returns the alarms by RaisedAt, then device, then rule.
func (v *variant) sorted() []Alarm {
	slices.SortStableFunc(v.alarms, func(a, b Alarm) int {
		return cmp.Or(a.RaisedAt.Compare(b.RaisedAt), cmp.Compare(a.Device, b.Device), cmp.Compare(a.RuleID, b.RuleID))
	})
	return v.alarms
}
