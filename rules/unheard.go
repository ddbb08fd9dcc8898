package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// unheardFor is how long a metric must not have come before a rule that needs
// it is said to be short of it: longer than a weekend, in which nobody opens a
// door.
const unheardFor = 3 * 24 * time.Hour

// Heard is what devices that are alike to the rules have sent: those of one
// model that have the same tags, as far as any rule asks for tags.
type Heard struct {
	Model   string
	Tags    map[string]string
	SeenAt  time.Time            // by our clock, the last word of any of them
	Metrics map[string]time.Time // by the devices' clocks, the last reading of any of them
}

// AsksFor returns the metrics and the keys of tags that rules in force ask for,
// sorted.
func (s *Set) AsksFor() (metrics, tags []string) {
	for _, mp := range s.models {
		for _, r := range mp.rules {
			metrics = append(metrics, r.uses.metrics...)
			for key := range r.rule.AppliesTo.Tags {
				tags = append(tags, key)
			}
		}
	}
	slices.Sort(metrics)
	slices.Sort(tags)
	return slices.Compact(metrics), slices.Compact(tags)
}

// Unheard returns the rules that cannot raise alarms, or cannot clear them,
// since a metric that they need has not come for three days from any device
// they watch; where the model's values stay fresh for longer, for as long, and
// where they never go stale, if it has never come. Rules declared less than
// three days ago are given time, and devices that have said nothing at all do
// not count: that they are silent is theirs. Heard is all that was heard;
// declared says when each rule was first declared.
func (s *Set) Unheard(heard []Heard, declared map[string]time.Time, now time.Time) []Shortage {
	found := make(map[string]*deafness)
	for i := range heard {
		mp, known := s.models[heard[i].Model]
		if !known || now.Sub(heard[i].SeenAt) >= unheardFor {
			continue
		}
		for _, r := range mp.rules {
			if now.Sub(declared[r.rule.ID]) >= unheardFor && r.rule.AppliesTo.accepts(heard[i].Tags) {
				mp.listen(r, &heard[i], found, now)
			}
		}
	}
	var all []Shortage
	for _, d := range found {
		if !d.hears {
			all = append(all, Shortage{Rule: d.rule.ID, Version: d.rule.Version, Reason: fmt.Sprintf(
				"No device that it applies to has sent %s for %s, so it cannot %s.", strings.Join(d.metrics, " or "), spokenSpan(unheardFor), d.cannot)})
		}
	}
	slices.SortFunc(all, func(a, b Shortage) int { return cmp.Compare(a.Rule, b.Rule) })
	return all
}

// deafness is what a rule misses of the devices that were looked at so far.
type deafness struct {
	rule    *Rule
	hears   bool     // it can decide on some of them
	cannot  string   // what it cannot do
	metrics []string // that it misses
}

// listen takes in what a group of devices means to a rule.
func (mp *modelPlan) listen(r *bound, heard *Heard, found map[string]*deafness, now time.Time) {
	lacks := func(metric string) bool { _, has := mp.layout[metric]; return !has }
	if what, _ := r.cannot(missing{lacks, lacks}); what != "" {
		return // it is not about this model
	}
	never := func(metric string) bool { return heard.Metrics[metric].IsZero() }
	gone := func(metric string) bool {
		at := heard.Metrics[metric]
		return at.IsZero() || mp.stale > 0 && now.Sub(at) >= max(unheardFor, time.Duration(mp.stale))
	}
	d := found[r.rule.ID]
	if d == nil {
		d = &deafness{rule: &r.rule}
		found[r.rule.ID] = d
	}
	what, condition := r.cannot(missing{gone, never})
	if what == "" {
		d.hears = true
		return
	}
	d.cannot = what
	var asked uses
	asked.add(condition)
	for _, metric := range asked.metrics {
		if gone(metric) && !slices.Contains(d.metrics, metric) {
			d.metrics = append(d.metrics, metric)
		}
	}
}
