package backtest

import (
	"cmp"
	"slices"
	"time"

	"telltale/devices"
	"telltale/rules"
)

// Kinds of differences between two runs.
const (
	New  = "new"  // only the rules on trial raise it
	Gone = "gone" // only the others do
	Same = "same" // both do, at the same time or not
)

// Comparison is how the alarms of rules on trial differ from others.
type Comparison struct {
	With    string  `json:"with"` // what is compared with, in words
	New     int     `json:"new"`
	Gone    int     `json:"gone"`
	Same    int     `json:"same"`
	Earlier int     `json:"earlier"` // of the same, raised earlier than the others'
	Later   int     `json:"later"`
	Figures Figures `json:"figures"` // of the others
	Pairs   []Pair  `json:"alarms"`  // by time, then device, then rule
}

// Pair is an alarm of either side, or of both.
type Pair struct {
	Kind   string     `json:"change"` // new, gone or same
	RuleID string     `json:"rule_id"`
	Device devices.ID `json:"device"`

	RaisedAt       *time.Time `json:"raised_at"` // on trial; null: gone
	ClearedAt      *time.Time `json:"cleared_at"`
	OtherRaisedAt  *time.Time `json:"other_raised_at"` // null: new
	OtherClearedAt *time.Time `json:"other_cleared_at"`

	// MinutesEarlier is by how much the rules on trial are earlier; negative:
	// later. Zero unless both raise it.
	MinutesEarlier float64 `json:"minutes_earlier"`
}

// at is when the first of the two was raised.
func (p *Pair) at() time.Time {
	if p.RaisedAt == nil {
		return *p.OtherRaisedAt
	}
	return *p.RaisedAt
}

// CompareWithLive compares the rules on trial with those of the same ids that
// are declared and live. A rule that is not live raises nothing to compare
// with: all its alarms are new.
func (in *Input) CompareWithLive(declared []rules.Rule) {
	in.With = "what is live"
	for _, r := range declared {
		own := slices.ContainsFunc(in.Rules, func(t rules.Rule) bool { return t.ID == r.ID })
		if own && r.Mode == rules.Live {
			in.Against = append(in.Against, r)
		}
	}
}

// Compare finds the alarms that are the same on both sides: of the same device
// and, unless acrossRules, of the same rule, with times that overlap from the
// first breach to the end. Each is paired once, in the order of time. The
// figures are left to the caller.
func Compare(trial, others []Alarm, acrossRules bool) Comparison {
	c := Comparison{Pairs: make([]Pair, 0, max(len(trial), len(others)))}
	type group struct {
		device devices.ID
		rule   string
	}
	groupOf := func(a *Alarm) group {
		if acrossRules {
			return group{device: a.Device}
		}
		return group{a.Device, a.RuleID}
	}
	waiting := make(map[group][]*Alarm)
	for _, a := range inOrder(others) {
		waiting[groupOf(a)] = append(waiting[groupOf(a)], a)
	}
	for _, a := range inOrder(trial) {
		g := groupOf(a)
		i := slices.IndexFunc(waiting[g], a.overlaps)
		if i < 0 {
			c.add(Pair{Kind: New, RuleID: a.RuleID, Device: a.Device, RaisedAt: &a.RaisedAt, ClearedAt: a.ClearedAt})
			continue
		}
		other := waiting[g][i]
		waiting[g] = slices.Delete(waiting[g], i, i+1)
		c.add(Pair{Kind: Same, RuleID: a.RuleID, Device: a.Device, RaisedAt: &a.RaisedAt, ClearedAt: a.ClearedAt,
			OtherRaisedAt: &other.RaisedAt, OtherClearedAt: other.ClearedAt,
			MinutesEarlier: rounded(other.RaisedAt.Sub(a.RaisedAt).Minutes())})
	}
	for _, left := range waiting {
		for _, a := range left {
			c.add(Pair{Kind: Gone, RuleID: a.RuleID, Device: a.Device, OtherRaisedAt: &a.RaisedAt, OtherClearedAt: a.ClearedAt})
		}
	}
	slices.SortFunc(c.Pairs, func(a, b Pair) int {
		return cmp.Or(a.at().Compare(b.at()), cmp.Compare(a.Device, b.Device), cmp.Compare(a.RuleID, b.RuleID), cmp.Compare(a.Kind, b.Kind))
	})
	return c
}

func (c *Comparison) add(p Pair) {
	switch p.Kind {
	case New:
		c.New++
	case Gone:
		c.Gone++
	default:
		c.Same++
	}
	if p.MinutesEarlier > 0 {
		c.Earlier++
	}
	if p.MinutesEarlier < 0 {
		c.Later++
	}
	c.Pairs = append(c.Pairs, p)
}

// overlaps reports whether two alarms are about the same stretch of time, each
// from its first breach to its end.
func (a *Alarm) overlaps(b *Alarm) bool { return !a.endsBefore(b) && !b.endsBefore(a) }

func (a *Alarm) endsBefore(b *Alarm) bool {
	return a.ClearedAt != nil && a.ClearedAt.Before(b.begin())
}

func (a *Alarm) begin() time.Time {
	if a.PendingSince.IsZero() {
		return a.RaisedAt
	}
	return a.PendingSince
}

func inOrder(alarms []Alarm) []*Alarm {
	all := make([]*Alarm, len(alarms))
	for i := range alarms {
		all[i] = &alarms[i]
	}
	slices.SortStableFunc(all, func(a, b *Alarm) int {
		return cmp.Or(a.RaisedAt.Compare(b.RaisedAt), cmp.Compare(a.Device, b.Device), cmp.Compare(a.RuleID, b.RuleID))
	})
	return all
}
