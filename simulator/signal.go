package simulator

import (
	"math"
	"math/rand/v2"
	"time"

	"telltale/devices"
)

// truth is what a machine's metric really is.
type truth struct {
	metric string
	value  float64
	label  string // not empty: the value is this word
}

// signal is a sensor: it sees the truth with noise, in steps of its
// resolution, and through its faults.
type signal struct {
	noise      float64 // standard deviation
	resolution float64 // smallest step it shows; zero: exact
	positive   bool    // never shows less than nothing
	last       devices.Value
}

// signalOf returns the sensor that machines use for a metric.
func signalOf(metric string) *signal {
	switch metric {
	case "temperature", "supply_temperature", "water_temperature":
		return &signal{noise: 0.06, resolution: 0.1}
	case "compressor_w", "power_w":
		return &signal{noise: 0.8, resolution: 1, positive: true}
	default:
		return &signal{} // switches and words
	}
}

// sense returns what the sensor says. It draws the same number of random
// values whatever is wrong, so that one fault does not change the noise of
// everything after it.
func (s *signal) sense(t truth, faults active, since time.Duration, rng *rand.Rand) devices.Value {
	ordinary, wild := rng.NormFloat64(), rng.NormFloat64()
	if t.label != "" {
		return devices.Label(t.label)
	}
	v := t.value
	if v != 0 { // what is switched off draws exactly nothing
		v += s.noise * ordinary
	}
	if s.positive {
		v = max(0, v)
	}
	for _, f := range faults {
		if f.Metric != t.metric {
			continue
		}
		switch f.Kind {
		case Stuck:
			return s.last
		case Spike:
			v = f.Value
		case Bias:
			v += f.Value
		case Drift:
			v += f.Value * (since - f.At).Hours()
		case Noise:
			v += f.Value * wild
		}
	}
	s.last = devices.Number(round(v, s.resolution))
	return s.last
}

// round returns the multiple of step nearest to v, without a binary tail.
func round(v, step float64) float64 {
	if step == 0 {
		return v
	}
	perUnit := math.Round(1 / step)
	if v = math.Round(v*perUnit) / perUnit; v == 0 {
		return 0 // never "-0"
	}
	return v
}
