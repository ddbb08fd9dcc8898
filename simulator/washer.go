package simulator

import (
	"math/rand/v2"
	"time"
)

// washer runs one programme after another, with pauses.
type washer struct {
	phase     int
	phaseEnds time.Duration
	water     float64 // degrees Celsius
	watts     float64
	leaking   bool
}

// phase is one stretch of a washing programme.
type phase struct {
	name  string
	least time.Duration
	most  time.Duration
	watts float64
	rpm   float64
	heats bool // the heater runs until the water is hot
	fresh bool // the water is cold again
}

func programme() []phase {
	return []phase{
		{name: "idle", least: 10 * time.Minute, most: 50 * time.Minute, watts: 2},
		{name: "fill", least: 3 * time.Minute, most: 5 * time.Minute, watts: 20, fresh: true},
		{name: "wash", least: 40 * time.Minute, most: 55 * time.Minute, watts: 190, rpm: 55, heats: true},
		{name: "rinse", least: 12 * time.Minute, most: 18 * time.Minute, watts: 140, rpm: 80, fresh: true},
		{name: "spin", least: 6 * time.Minute, most: 9 * time.Minute, watts: 420, rpm: 1200},
	}
}

// Figures of the wash.
const (
	tapWater     = 15.0 // degrees Celsius
	hotWater     = 60.0
	heaterWatts  = 2000
	heatingPerHr = 130.0 // K per hour
	coolingPerHr = 0.4   // share of the difference to the room, per hour
	room         = 21.0
)

// newWasher returns a washer in a random phase.
func newWasher(rng *rand.Rand) *washer {
	w := &washer{water: room, phase: rng.IntN(len(programme()))}
	w.phaseEnds = time.Duration(rng.Float64() * float64(30*time.Minute))
	return w
}

func (w *washer) step(since, dt time.Duration, faults active, rng *rand.Rand) {
	chance := rng.Float64()
	phases := programme()
	if since >= w.phaseEnds {
		w.phase = (w.phase + 1) % len(phases)
		next := phases[w.phase]
		w.phaseEnds = since + next.least + time.Duration(chance*float64(next.most-next.least))
		if next.fresh {
			w.water = tapWater
		}
	}
	now := phases[w.phase]
	w.watts = now.watts
	w.water += coolingPerHr * (room - w.water) * dt.Hours()
	if now.heats && w.water < hotWater && !faults.has(Heater) {
		w.water += heatingPerHr * dt.Hours()
		w.watts += heaterWatts
	}
	w.leaking = faults.has(Leak)
}

func (w *washer) read() []truth {
	now := programme()[w.phase]
	return []truth{
		{metric: "phase", label: now.name},
		{metric: "water_temperature", value: w.water},
		{metric: "power_w", value: w.watts},
		{metric: "drum_rpm", value: now.rpm},
		{metric: "leak", value: switchValue(w.leaking)},
	}
}
