package devices_test

import (
	"math"
	"testing"

	"telltale/devices"
)

func TestADecimalIsExactlyTheNumber(t *testing.T) {
	t.Parallel()
	for f, want := range map[float64]bool{
		0: true, 1: true, -4.5: true, 4.37: true, 0.001: true, -1234.567: true, 2147483647: true,
		0.0001: false, 1.0 / 3: false, 2147483648: false, math.Pi: false, 4.3700000000000001e-9: false,
		math.Copysign(0, -1): false, math.Inf(1): false, math.Inf(-1): false, math.NaN(): false, math.SmallestNonzeroFloat64: false,
	} {
		n, scale, ok := devices.Decimal(f)
		if ok != want {
			t.Errorf("%v: a short decimal: %t, want %t", f, ok, want)
		}
		if back := devices.FromDecimal(n, scale); ok && back != f {
			t.Errorf("%v came back as %v", f, back)
		}
	}
}

func FuzzDecimal(f *testing.F) {
	f.Add(4.37)
	f.Add(-0.001)
	f.Fuzz(func(t *testing.T, number float64) {
		n, scale, ok := devices.Decimal(number)
		if back := devices.FromDecimal(n, scale); ok && math.Float64bits(back) != math.Float64bits(number) {
			t.Errorf("%v came back as %v", number, back)
		}
	})
}
