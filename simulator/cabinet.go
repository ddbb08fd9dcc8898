package simulator

import (
	"math"
	"math/rand/v2"
	"time"
)

// cabinet is a cold room, small or large: air that leaks heat from outside,
// goods that follow the air slowly, and a compressor that runs from one
// temperature of the air to another.
//
//	outside --leak, door--> air <--couple--> goods
//	                         |
//	                    compressor
type cabinet struct {
	spec cabinetSpec

	air, goods float64 // degrees Celsius
	running    bool    // the compressor
	doorUntil  time.Duration
	doorOpen   bool
	mains      bool
	defrosting bool
}

// cabinetSpec is what cabinets differ in. Rates are per hour: the share of a
// difference in temperature that is evened out in an hour at the start.
type cabinetSpec struct {
	ambient  float64 // mean temperature outside, which swings with the day
	setpoint float64 // middle of the compressor's range
	band     float64 // half its width

	leak    float64 // outside to air, closed
	draught float64 // outside to air, open door
	couple  float64 // air to goods
	mass    float64 // heat capacity of the air as a share of that of the goods
	reserve float64 // what the compressor can pump, as a multiple of the leak at the setpoint

	watts     float64       // of the running compressor
	openings  float64       // of the door, per hour
	defrost   time.Duration // every so often; zero: never
	hasSupply bool          // reports the temperature of the air blown in
	hasMains  bool          // reports whether the mains are there
}

// Figures that all cabinets share.
const (
	daySwing      = 1.5              // K, of the ambient temperature
	defrostFor    = 15 * time.Minute // a defrost cycle
	defrostHeat   = 14               // K per hour that it adds to the air
	standbyWatts  = 3                // electronics alone
	doorOpenLeast = 10 * time.Second
	doorOpenMost  = 40 * time.Second
	supplyOffset  = 6 // K that the supply air is colder while the compressor runs
)

// newCabinet returns a cabinet in the middle of its work.
func newCabinet(spec cabinetSpec, rng *rand.Rand) *cabinet {
	air := spec.setpoint + spec.band*(2*rng.Float64()-1)
	return &cabinet{spec: spec, air: air, goods: spec.setpoint + 0.3, running: rng.Float64() < 0.4, mains: true}
}

// step advances the cabinet by dt, to the time since the scenario's start.
func (c *cabinet) step(since, dt time.Duration, faults active, rng *rand.Rand) {
	c.mains = !faults.has(Power)
	c.moveDoor(since, dt, faults, rng)
	c.defrosting = c.mains && c.spec.defrost > 0 && since%c.spec.defrost < defrostFor && since > c.spec.defrost
	c.switchCompressor(faults)

	s, hours := c.spec, dt.Hours()
	ambient := s.ambient + daySwing*math.Sin(2*math.Pi*since.Hours()/24)
	exchange := s.leak
	if c.doorOpen {
		exchange += s.draught
	}
	flow := exchange*(ambient-c.air) + s.couple*(c.goods-c.air)
	if c.running {
		flow -= s.reserve * s.leak * (s.ambient - s.setpoint)
	}
	if c.defrosting {
		flow += defrostHeat
	}
	c.goods += s.couple * s.mass * (c.air - c.goods) * hours
	c.air += flow * hours
}

// moveDoor opens the door now and then, as people do, or holds it open.
func (c *cabinet) moveDoor(since, dt time.Duration, faults active, rng *rand.Rand) {
	chance, length := rng.Float64(), rng.Float64()
	if chance < c.spec.openings*dt.Hours() {
		c.doorUntil = since + doorOpenLeast + time.Duration(length*float64(doorOpenMost-doorOpenLeast))
	}
	c.doorOpen = since < c.doorUntil || faults.has(Door)
}

func (c *cabinet) switchCompressor(faults active) {
	switch {
	case !c.mains || c.defrosting || faults.has(Compressor):
		c.running = false
	case c.air >= c.spec.setpoint+c.spec.band:
		c.running = true
	case c.air <= c.spec.setpoint-c.spec.band:
		c.running = false
	}
}

// read lists the metrics in the order they are reported.
func (c *cabinet) read() []truth {
	watts := 0.0
	if c.mains {
		watts = standbyWatts
	}
	if c.running {
		watts = c.spec.watts
	}
	list := []truth{
		{metric: "temperature", value: c.air},
		{metric: "door_open", value: switchValue(c.doorOpen)},
		{metric: "compressor_w", value: watts},
	}
	if c.spec.hasSupply {
		supply := c.air
		if c.running {
			supply -= supplyOffset
		}
		list = append(list, truth{metric: "supply_temperature", value: supply})
	}
	if c.spec.hasMains {
		list = append(list, truth{metric: "mains", value: switchValue(c.mains)})
	}
	return list
}

func switchValue(on bool) float64 {
	if on {
		return 1
	}
	return 0
}
