package devices

import "strings"

// UnitSymbol returns how people write a UCUM unit; "" for switches and bare
// counts.
func UnitSymbol(ucum string) string {
	switch ucum {
	case "Cel":
		return "°C"
	case "[degF]":
		return "°F"
	case "kW.h":
		return "kWh"
	case "W.h":
		return "Wh"
	case "ug/m3":
		return "µg/m³"
	case "m3":
		return "m³"
	case "m3/h":
		return "m³/h"
	case "dB[SPL]":
		return "dB"
	case "[ppm]":
		return "ppm"
	case "[RPM]":
		return "rpm"
	case "1", "{count}", "bool":
		return ""
	}
	if base, rate := strings.CutSuffix(ucum, "/h"); rate {
		return UnitSymbol(base) + "/h"
	}
	return ucum
}
