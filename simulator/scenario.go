package simulator

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"telltale/devices"
)

// Scenario is a fleet, its faults, and the time it runs in.
type Scenario struct {
	Seed   uint64
	Start  Start
	Speed  float64 // simulated seconds per second until the wall clock is reached
	Groups []Group
	Faults []Fault
}

// Start is when a scenario begins: at a time, or some time before it is run.
type Start struct {
	At  time.Time     // zero: Ago counts
	Ago time.Duration // before the run
}

// Resolve returns the start of a run that begins at now.
func (s Start) Resolve(now time.Time) time.Time {
	if !s.At.IsZero() {
		return s.At
	}
	return now.Add(-s.Ago)
}

// Kind is a kind of appliance.
type Kind string

// Kinds of appliances.
const (
	Fridge  Kind = "fridge"
	Freezer Kind = "freezer"
	Reefer  Kind = "reefer" // a refrigerated container
	Washer  Kind = "washer"
)

// Group is units that differ in their ids and their chance only.
type Group struct {
	Kind        Kind
	Count       int
	ID          string // with one %d verb when Count is above 1, filled from 1
	Model       string
	ReportEvery time.Duration
	Setpoint    *float64 // degrees Celsius; nil: the kind's own
	Ambient     *float64 // degrees Celsius; nil: the kind's own
}

// IDs returns the ids of the group's units.
func (g Group) IDs() []devices.ID {
	if !strings.Contains(g.ID, "%") {
		return []devices.ID{devices.ID(g.ID)}
	}
	ids := make([]devices.ID, g.Count)
	for i := range ids {
		ids[i] = devices.ID(fmt.Sprintf(g.ID, i+1))
	}
	return ids
}

// cools reports whether the units are cold cabinets.
func (g Group) cools() bool { return g.Kind != Washer }

// machine returns the physics of one unit.
func (g Group) machine(rng *rand.Rand) machine {
	if g.Kind == Washer {
		return newWasher(rng)
	}
	spec := cabinetOf(g.Kind)
	if g.Setpoint != nil {
		spec.setpoint = *g.Setpoint
	}
	if g.Ambient != nil {
		spec.ambient = *g.Ambient
	}
	return newCabinet(spec, rng)
}

// cabinetOf returns what cabinets of a kind have in common. The rates are
// chosen so that compressors run two to four times an hour, and that a
// cabinet without cooling warms as such appliances do: a fridge passes 8 °C
// after half an hour or so and then gains 4 K an hour.
func cabinetOf(kind Kind) cabinetSpec {
	switch kind {
	case Freezer:
		return cabinetSpec{
			ambient: 22, setpoint: -20, band: 1.8,
			leak: 0.5, draught: 3, couple: 4, mass: 0.2, reserve: 2.1,
			watts: 140, openings: 0.5, defrost: 6 * time.Hour, hasMains: true,
		}
	case Reefer:
		return cabinetSpec{
			ambient: 24, setpoint: 5, band: 1,
			leak: 0.7, draught: 7, couple: 6, mass: 0.5, reserve: 2.4,
			watts: 2600, hasSupply: true,
		}
	default:
		return cabinetSpec{
			ambient: 22, setpoint: 4.5, band: 1.6,
			leak: 1.1, draught: 6, couple: 6, mass: 0.3, reserve: 2.4,
			watts: 95, openings: 1.5,
		}
	}
}
