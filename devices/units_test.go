package devices_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"telltale/devices"
)

func TestConversions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		v        float64
		from, to string
		want     float64
	}{
		{39.2, "[degF]", "Cel", 4},
		{37, "°F", "Cel", 25.0 / 9},
		{-40, "F", "C", -40},
		{32, "degF", "Cel", 0},
		{4, "Cel", "[degF]", 39.2},
		{0, "Cel", "K", 273.15},
		{273.16, "K", "Cel", 0.01},
		{-459.67, "[degF]", "K", 0},
		{1.2, "kW", "W", 1200},
		{0.1, "kWh", "Wh", 100},
		{1, "kWh", "J", 3.6e6},
		{101325, "Pa", "hPa", 1013.25},
		{1013, "mbar", "bar", 1.013},
		{3215, "mV", "V", 3.215},
		{90, "min", "h", 1.5},
		{1500, "ms", "s", 1.5},
		{36, "km/h", "m/s", 10},
		{1, "[in_i]", "mm", 25.4},
		{0.45, "/", "%", 45},
		{1500, "rpm", "Hz", 25},
		{21.5, "°C", "Cel", 21.5},
		{7, "furlong", "furlong", 7},
		{math.Inf(1), "[degF]", "Cel", math.Inf(1)},
		{273.150000001, "K", "Cel", 273.150000001 - 273.15},
		{math.MaxFloat64, "mW", "W", math.MaxFloat64 / 1000},
		{1e300, "kW", "mW", 1e306},
	} {
		if got, err := devices.Convert(c.v, c.from, c.to); err != nil || got != c.want {
			t.Errorf("%v %s is %v %s (%v), want %v", c.v, c.from, got, c.to, err, c.want)
		}
	}
}

func TestUnitsThatDoNotConvertAreNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, to, want string }{
		{"furlong", "m", `unit "furlong" is not known`},
		{"m", "bool", `unit "bool" is not known`},
		{"°F", "kWh", `[degF] cannot be converted to kW.h: one is a temperature, the other an energy`},
		{"", "Cel", `unit "" is not known`},
	} {
		if _, err := devices.Convert(1, c.from, c.to); err == nil || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}

// everyUnit has, for each quantity, codes that convert to each other.
func everyUnit() [][]string {
	return [][]string{
		{"Cel", "[degF]", "K"},
		{"Pa", "hPa", "kPa", "MPa", "bar", "[psi]", "mm[Hg]", "[in_i'Hg]"},
		{"lx", "klx"}, {"ug/m3", "mg/m3", "g/m3"}, {"mm/h"}, {"W/m2"}, {"[pH]"}, {"var", "kvar"},
		{"mW", "W", "kW", "MW"},
		{"J", "kJ", "W.h", "kW.h", "MW.h"},
		{"V.A", "kV.A"}, {"uV", "mV", "V", "kV"}, {"uA", "mA", "A"}, {"mA.h", "A.h"}, {"Ohm", "kOhm"},
		{"mm", "cm", "m", "km", "[in_i]", "[ft_i]"},
		{"ms", "s", "min", "h", "d"},
		{"mg", "g", "kg", "t", "[lb_av]"},
		{"m/s", "km/h", "[mi_i]/h", "[kn_i]", "[ft_i]/s"}, {"m/s2", "[g]"}, {"/min", "Hz", "kHz", "MHz"}, {"deg"},
		{"mL", "L", "m3", "[gal_us]"}, {"L/s", "L/min", "L/h", "m3/h", "m3/s"},
		{"1", "%", "[ppm]", "[ppb]"}, {"By", "kBy", "KiBy", "MBy"}, {"dB"}, {"dB[mW]"},
	}
}

func TestACodeIsItsOwnSpelling(t *testing.T) {
	t.Parallel()
	for _, quantity := range everyUnit() {
		for _, code := range quantity {
			if got, ok := devices.UnitCode(code); !ok || got != code {
				t.Errorf("%q is spelled %q, %v", code, got, ok)
			}
		}
	}
}

// TestWhatIsConvertedComesBack converts values of up to eight digits, which is
// more than any sensor has, to each other unit and back.
func TestWhatIsConvertedComesBack(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 5))
	for _, quantity := range everyUnit() {
		for _, from := range quantity {
			for _, to := range quantity {
				for range 500 {
					v := float64(random.IntN(2e8)-1e8) / math.Pow10(random.IntN(8))
					there, err := devices.Convert(v, from, to)
					if err != nil {
						t.Fatal(err)
					}
					if back, err := devices.Convert(there, to, from); err != nil || back != v {
						t.Fatalf("%v %s is %v %s and comes back as %v (%v)", v, from, there, to, back, err)
					}
				}
			}
		}
	}
}
