package devices

import "math"

// DecimalScales is how many powers of ten [Decimal] looks at. Sensors print at
// most three places.
const DecimalScales = 4

// pow10 are exact in float64, and so is the quotient that they are used for:
// division is correctly rounded, as is parsing the decimal text.
var pow10 = [DecimalScales]float64{1, 10, 100, 1000}

// Decimal finds n and scale, below [DecimalScales], such that n/10^scale is
// exactly f: as a varint it takes a third of the bytes. It declines what would
// not come back bit for bit: NaN, infinities, negative zero, and whatever is not
// a short decimal.
func Decimal(f float64) (n int64, scale int, ok bool) {
	const limit = 1 << 31 // beyond it a varint is no shorter than the float
	if f == 0 {
		return 0, 0, !math.Signbit(f)
	}
	for scale, power := range pow10 {
		scaled := math.RoundToEven(f * power)
		if !(scaled > -limit && scaled < limit) { // also false for NaN
			return 0, 0, false
		}
		if scaled != 0 && scaled/power == f {
			return int64(scaled), scale, true
		}
	}
	return 0, 0, false
}

// FromDecimal returns n/10^scale.
func FromDecimal(n int64, scale int) float64 { return float64(n) / pow10[scale] }
