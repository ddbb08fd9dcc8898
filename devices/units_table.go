package devices

// unit is a UCUM unit: (v + shift) * num / den is v in the quantity's base
// unit. The factors are quotients of short numbers, so that conversions there
// and back meet.
type unit struct {
	code            string
	of              string // the quantity, as in "a temperature"
	num, den, shift float64
}

// unitOf returns the unit of a UCUM code or of a spelling that devices use; one
// without a code when it is not known. Factors are those of the UCUM, version
// 2.2. "C" and "F" are degrees, as devices mean them, not coulomb and farad.
func unitOf(spelling string) unit {
	for _, table := range []func(string) unit{climate, electricity, mechanics, amounts} {
		if u := table(spelling); u.code != "" {
			return u
		}
	}
	return unit{}
}

// climate is what is measured of air and water.
func climate(spelling string) unit {
	const temperature, pressure, light = "a temperature", "a pressure", "an illuminance"
	switch spelling {
	case "Cel", "°C", "℃", "C", "degC", "Celsius", "celsius", "CELSIUS":
		return unit{"Cel", temperature, 1, 1, 0}
	case "[degF]", "°F", "℉", "F", "degF", "Fahrenheit", "fahrenheit", "FAHRENHEIT":
		return unit{"[degF]", temperature, 5, 9, -32}
	case "K", "Kelvin", "kelvin", "KELVIN":
		return unit{"K", temperature, 1, 1, -273.15}
	case "Pa", "pascal":
		return unit{"Pa", pressure, 1, 1, 0}
	case "hPa", "mbar":
		return unit{"hPa", pressure, 100, 1, 0}
	case "kPa":
		return unit{"kPa", pressure, 1000, 1, 0}
	case "MPa":
		return unit{"MPa", pressure, 1e6, 1, 0}
	case "bar":
		return unit{"bar", pressure, 1e5, 1, 0}
	case "[psi]", "psi", "PSI":
		return unit{"[psi]", pressure, 6894.757293168361, 1, 0}
	case "mm[Hg]", "mmHg":
		return unit{"mm[Hg]", pressure, 133.322, 1, 0}
	case "[in_i'Hg]", "inHg":
		return unit{"[in_i'Hg]", pressure, 3386.3788, 1, 0}
	case "lx", "lux":
		return unit{"lx", light, 1, 1, 0}
	case "klx":
		return unit{"klx", light, 1000, 1, 0}
	case "ug/m3", "µg/m³", "μg/m³", "µg/m3", "ug/m³":
		return unit{"ug/m3", "a concentration", 1, 1e6, 0}
	case "mg/m3", "mg/m³":
		return unit{"mg/m3", "a concentration", 1, 1000, 0}
	case "g/m3", "g/m³":
		return unit{"g/m3", "a concentration", 1, 1, 0}
	case "mm/h":
		return unit{"mm/h", "a rate of rain", 1, 1, 0}
	case "W/m2", "W/m²":
		return unit{"W/m2", "an irradiance", 1, 1, 0}
	case "[pH]", "pH":
		return unit{"[pH]", "an acidity", 1, 1, 0}
	}
	return unit{}
}

// electricity is what meters and plugs measure.
func electricity(spelling string) unit {
	const power, energy, voltage, current = "a power", "an energy", "a voltage", "a current"
	switch spelling {
	case "mW":
		return unit{"mW", power, 1, 1000, 0}
	case "W", "watt":
		return unit{"W", power, 1, 1, 0}
	case "kW":
		return unit{"kW", power, 1000, 1, 0}
	case "MW":
		return unit{"MW", power, 1e6, 1, 0}
	case "J":
		return unit{"J", energy, 1, 1, 0}
	case "kJ":
		return unit{"kJ", energy, 1000, 1, 0}
	case "Wh", "W.h":
		return unit{"W.h", energy, 3600, 1, 0}
	case "kWh", "kW.h":
		return unit{"kW.h", energy, 3.6e6, 1, 0}
	case "MWh", "MW.h":
		return unit{"MW.h", energy, 3.6e9, 1, 0}
	case "V.A", "VA":
		return unit{"V.A", "an apparent power", 1, 1, 0}
	case "kV.A", "kVA":
		return unit{"kV.A", "an apparent power", 1000, 1, 0}
	case "var", "VAr":
		return unit{"var", "a reactive power", 1, 1, 0}
	case "kvar", "kVAr":
		return unit{"kvar", "a reactive power", 1000, 1, 0}
	case "uV", "µV":
		return unit{"uV", voltage, 1, 1e6, 0}
	case "mV":
		return unit{"mV", voltage, 1, 1000, 0}
	case "V", "volt":
		return unit{"V", voltage, 1, 1, 0}
	case "kV":
		return unit{"kV", voltage, 1000, 1, 0}
	case "uA", "µA":
		return unit{"uA", current, 1, 1e6, 0}
	case "mA":
		return unit{"mA", current, 1, 1000, 0}
	case "A", "ampere":
		return unit{"A", current, 1, 1, 0}
	case "mAh", "mA.h":
		return unit{"mA.h", "a charge", 1, 1000, 0}
	case "Ah", "A.h":
		return unit{"A.h", "a charge", 1, 1, 0}
	case "Ohm", "Ω":
		return unit{"Ohm", "a resistance", 1, 1, 0}
	case "kOhm", "kΩ":
		return unit{"kOhm", "a resistance", 1000, 1, 0}
	}
	return unit{}
}

// mechanics is lengths, times, masses and what is made of them.
func mechanics(spelling string) unit {
	const length, duration, mass, speed, frequency = "a length", "a time", "a mass", "a speed", "a frequency"
	switch spelling {
	case "mm":
		return unit{"mm", length, 1, 1000, 0}
	case "cm":
		return unit{"cm", length, 1, 100, 0}
	case "m":
		return unit{"m", length, 1, 1, 0}
	case "km":
		return unit{"km", length, 1000, 1, 0}
	case "[in_i]", "in", "inch":
		return unit{"[in_i]", length, 254, 1e4, 0}
	case "[ft_i]", "ft":
		return unit{"[ft_i]", length, 3048, 1e4, 0}
	case "ms":
		return unit{"ms", duration, 1, 1000, 0}
	case "s", "sec":
		return unit{"s", duration, 1, 1, 0}
	case "min":
		return unit{"min", duration, 60, 1, 0}
	case "h":
		return unit{"h", duration, 3600, 1, 0}
	case "d":
		return unit{"d", duration, 86400, 1, 0}
	case "mg":
		return unit{"mg", mass, 1, 1000, 0}
	case "g":
		return unit{"g", mass, 1, 1, 0}
	case "kg":
		return unit{"kg", mass, 1000, 1, 0}
	case "t":
		return unit{"t", mass, 1e6, 1, 0}
	case "[lb_av]", "lb", "lbs":
		return unit{"[lb_av]", mass, 453.59237, 1, 0}
	case "m/s":
		return unit{"m/s", speed, 1, 1, 0}
	case "km/h", "kph":
		return unit{"km/h", speed, 5, 18, 0}
	case "[mi_i]/h", "mph":
		return unit{"[mi_i]/h", speed, 44704, 1e5, 0}
	case "[kn_i]", "kn":
		return unit{"[kn_i]", speed, 1852, 3600, 0}
	case "[ft_i]/s", "ft/s":
		return unit{"[ft_i]/s", speed, 3048, 1e4, 0}
	case "m/s2", "m/s²":
		return unit{"m/s2", "an acceleration", 1, 1, 0}
	case "[g]":
		return unit{"[g]", "an acceleration", 9.80665, 1, 0}
	case "/min", "1/min", "rpm", "RPM", "{rev}/min":
		return unit{"/min", frequency, 1, 60, 0}
	case "Hz", "1/s", "/s":
		return unit{"Hz", frequency, 1, 1, 0}
	case "kHz":
		return unit{"kHz", frequency, 1000, 1, 0}
	case "MHz":
		return unit{"MHz", frequency, 1e6, 1, 0}
	case "deg", "°":
		return unit{"deg", "an angle", 1, 1, 0}
	}
	return unit{}
}

// amounts is volumes, flows, shares and sizes.
func amounts(spelling string) unit {
	const volume, flow, share, size = "a volume", "a flow", "a share", "an amount of data"
	switch spelling {
	case "mL", "ml":
		return unit{"mL", volume, 1, 1000, 0}
	case "L", "l":
		return unit{"L", volume, 1, 1, 0}
	case "m3", "m³":
		return unit{"m3", volume, 1000, 1, 0}
	case "[gal_us]", "gal":
		return unit{"[gal_us]", volume, 3.785411784, 1, 0}
	case "L/s", "l/s":
		return unit{"L/s", flow, 3600, 1, 0}
	case "L/min", "l/min":
		return unit{"L/min", flow, 60, 1, 0}
	case "L/h", "l/h":
		return unit{"L/h", flow, 1, 1, 0}
	case "m3/h", "m³/h":
		return unit{"m3/h", flow, 1000, 1, 0}
	case "m3/s", "m³/s":
		return unit{"m3/s", flow, 3.6e6, 1, 0}
	case "1", "/":
		return unit{"1", share, 1, 1, 0}
	case "%", "%RH", "%EL", "percent":
		return unit{"%", share, 1, 100, 0}
	case "[ppm]", "ppm":
		return unit{"[ppm]", share, 1, 1e6, 0}
	case "[ppb]", "ppb":
		return unit{"[ppb]", share, 1, 1e9, 0}
	case "By", "B":
		return unit{"By", size, 1, 1, 0}
	case "kBy", "kB":
		return unit{"kBy", size, 1000, 1, 0}
	case "KiBy", "KiB":
		return unit{"KiBy", size, 1024, 1, 0}
	case "MBy", "MB":
		return unit{"MBy", size, 1e6, 1, 0}
	case "dB":
		return unit{"dB", "a level", 1, 1, 0}
	case "dBm", "dB[mW]":
		return unit{"dB[mW]", "a level of power", 1, 1, 0}
	}
	return unit{}
}
