package simulator

import (
	"cmp"
	"slices"
	"time"

	"telltale/devices"
)

// Fleet is all units of a scenario. It is not safe for concurrent use.
type Fleet struct {
	units []*Unit
	start time.Time
}

// NewFleet returns the scenario's units as they are at start.
func NewFleet(s *Scenario, start time.Time) *Fleet {
	faults := make(map[devices.ID][]Fault)
	for _, f := range s.Faults {
		faults[f.Device] = append(faults[f.Device], f)
	}
	f := &Fleet{start: start.UTC().Truncate(time.Millisecond)} // what a payload can say
	for _, g := range s.Groups {
		for _, id := range g.IDs() {
			f.units = append(f.units, newUnit(s.Seed, id, g, faults[id]))
		}
	}
	return f
}

// Units returns the ids of all units, in the scenario's order.
func (f *Fleet) Units() []devices.ID {
	ids := make([]devices.ID, len(f.units))
	for i, u := range f.units {
		ids[i] = u.ID
	}
	return ids
}

// Step advances the fleet to t and returns what its units said since the last
// step, ordered by time. A report with a Presence and no readings says that
// the unit's connection was lost or came back. A t before the last one
// returns nothing. The reports do not depend on how time is cut into steps.
func (f *Fleet) Step(t time.Time) []devices.Report {
	var reports []devices.Report
	for _, u := range f.units {
		reports = u.advance(reports, f.start, t.Sub(f.start))
	}
	slices.SortStableFunc(reports, func(a, b devices.Report) int {
		return cmp.Or(a.ObservedAt.Compare(b.ObservedAt), cmp.Compare(a.Device, b.Device))
	})
	return reports
}
