package devices

import (
	"fmt"
	"math"
)

// UnitCode returns the UCUM code of a unit as devices spell it: "°C", "degC"
// and "Celsius" are "Cel". It is false for a unit that [Convert] does not know.
func UnitCode(spelling string) (code string, ok bool) {
	u := unitOf(spelling)
	return u.code, u.code != ""
}

// Convert returns v, which is in the unit from, in the unit to. Both are UCUM
// codes or the spellings that [UnitCode] knows. A unit converts to itself
// unchanged, also one that is not known. A value of up to ten digits comes back
// as it was when the result is converted back. The error is a sentence about a unit that is not known or
// about two that measure different things.
func Convert(v float64, from, to string) (float64, error) {
	if from == to {
		return v, nil
	}
	a, b := unitOf(from), unitOf(to)
	switch {
	case a.code == "":
		return 0, fmt.Errorf("unit %q is not known", from)
	case b.code == "":
		return 0, fmt.Errorf("unit %q is not known", to)
	case a.code == b.code:
		return v, nil
	case a.of != b.of:
		return 0, fmt.Errorf("%s cannot be converted to %s: one is %s, the other %s", a.code, b.code, a.of, b.of)
	}
	result := (v+a.shift)*(a.num*b.den)/(a.den*b.num) - b.shift
	return settle(result, max(math.Abs(a.shift), math.Abs(b.shift))), nil
}

// settle takes the noise of the arithmetic off v: what lies within a few units
// in the last place of a number with twelve digits is that number. After an
// offset has been added or taken away, it is the offset's digits that count.
func settle(v, offset float64) float64 {
	const noise, exact = 16 * 0x1p-53, 22 // 1e22 is the last power of ten that a float64 holds
	size := max(math.Abs(v), offset)
	places := 11 - int(math.Floor(math.Log10(size))) // behind the point
	short := v
	switch {
	case v == 0 || math.IsInf(v, 0) || places > exact || places < -exact:
	case places >= 0:
		short = math.Round(v*math.Pow10(places)) / math.Pow10(places)
	default:
		short = math.Round(v/math.Pow10(-places)) * math.Pow10(-places)
	}
	if math.Abs(short-v) <= noise*size {
		return short
	}
	return v
}
