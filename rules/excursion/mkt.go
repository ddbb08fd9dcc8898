package excursion

import (
	"cmp"
	"math"
	"time"

	"telltale/devices/shipments"
)

// Constants of the mean kinetic temperature (USP <1160>, CODATA 2010).
const (
	gasConstant             = 8.314472 // J/(mol K)
	defaultActivationEnergy = 83.144   // kJ/mol
	zeroCelsius             = 273.15   // K
	referenceKelvin         = 298.15   // keeps the exponentials near one
)

// meanKinetic is what the tracks say about the mean kinetic temperature.
type meanKinetic struct {
	worst   *float64 // degrees Celsius, of the worst window of any track
	over    bool     // above the bound in a whole window, or in all there is of a finished trace
	partial bool     // some live track is shorter than the window, and not judged yet
}

func (m *meanKinetic) addTrack(bound *shipments.MKT, t *track) {
	celsius, full, ok := worstWindow(t.spans, bound.Window, bound.ActivationEnergy)
	if !ok {
		return
	}
	m.worst = higher(m.worst, celsius)
	// A live trace that is shorter than the window says nothing yet: a warm
	// first minute is not a warm day.
	judged := full || t.finished
	m.over = m.over || judged && celsius > bound.Max
	m.partial = m.partial || !judged
}

// MKT returns the mean kinetic temperature in degrees Celsius of values that
// count by their weights, such as seconds. activationEnergy is in kJ/mol;
// zero means 83.144. It returns NaN when no weight is above zero.
func MKT(celsius, weights []float64, activationEnergy float64) float64 {
	k := dHOverR(activationEnergy)
	var sum, total float64
	for i, c := range celsius {
		sum += weights[i] * arrhenius(c, k)
		total += weights[i]
	}
	return kinetic(sum/total, k)
}

// dHOverR returns the activation energy over the gas constant, in kelvin.
func dHOverR(activationEnergy float64) float64 {
	return cmp.Or(activationEnergy, defaultActivationEnergy) * 1000 / gasConstant
}

// arrhenius is the rate of decay at a temperature, relative to the one at
// the reference temperature.
func arrhenius(celsius, k float64) float64 {
	return math.Exp(k * (1/referenceKelvin - 1/(celsius+zeroCelsius)))
}

// kinetic is the temperature in degrees Celsius at which decay has the rate.
func kinetic(rate, k float64) float64 {
	return 1/(1/referenceKelvin-math.Log(rate)/k) - zeroCelsius
}

// worstWindow returns the highest mean kinetic temperature of any window of
// the given length inside the spans, or of all of them when they are shorter;
// full tells which. Time without readings has no weight. ok is false when no
// reading owns any time.
func worstWindow(spans []span, window time.Duration, activationEnergy float64) (celsius float64, full, ok bool) {
	k := dHOverR(activationEnergy)
	rates := ratesOf(spans, k)
	if len(rates) == 0 {
		return 0, false, false
	}
	first, last := rates[0].from, rates[len(rates)-1].to
	if full = last-first >= window; window <= 0 || last-first <= window {
		all := cursor{rates: rates}
		sum, total := all.upTo(last)
		return kinetic(sum/total.Seconds(), k), full, true
	}

	// Within a window sliding over constant rates, the mean rises or falls
	// steadily until an end of the window meets an edge. So the worst window
	// begins or ends at an edge.
	worst := 0.0
	for _, shift := range [...]time.Duration{0, -window} {
		head, tail := cursor{rates: rates}, cursor{rates: rates}
		for edge := range edges(rates) {
			begin := edge + shift
			if begin < first || begin+window > last {
				continue
			}
			s1, d1 := head.upTo(begin + window)
			s0, d0 := tail.upTo(begin)
			if d1 > d0 {
				worst = max(worst, (s1-s0)/(d1-d0).Seconds())
			}
		}
	}
	return kinetic(worst, k), true, true
}

// rate is the decay during a stretch, in time since the first span.
type rate struct {
	from, to time.Duration
	perSec   float64
}

func ratesOf(spans []span, k float64) []rate {
	rates := make([]rate, 0, len(spans))
	for _, sp := range spans {
		if sp.unknown || sp.length() == 0 {
			continue
		}
		rates = append(rates, rate{sp.from.Sub(spans[0].from), sp.to.Sub(spans[0].from), arrhenius(sp.celsius, k)})
	}
	return rates
}

// edges yields where the rate changes, ascending.
func edges(rates []rate) func(yield func(time.Duration) bool) {
	return func(yield func(time.Duration) bool) {
		for i, r := range rates {
			if !yield(r.from) {
				return
			}
			if next := i + 1; (next == len(rates) || rates[next].from != r.to) && !yield(r.to) {
				return
			}
		}
	}
}

// cursor sums rates from the beginning to a moment that only moves forward.
type cursor struct {
	rates []rate
	next  int
	sum   float64       // of the rates before next
	total time.Duration // their time
}

// upTo returns the sum and the owned time before the moment.
func (c *cursor) upTo(moment time.Duration) (float64, time.Duration) {
	for c.next < len(c.rates) && c.rates[c.next].to <= moment {
		r := c.rates[c.next]
		c.sum += r.perSec * (r.to - r.from).Seconds()
		c.total += r.to - r.from
		c.next++
	}
	if c.next == len(c.rates) || c.rates[c.next].from >= moment {
		return c.sum, c.total
	}
	r := c.rates[c.next]
	return c.sum + r.perSec*(moment-r.from).Seconds(), c.total + moment - r.from
}
