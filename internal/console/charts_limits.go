package console

import (
	"regexp"
	"slices"
	"strconv"

	"telltale/devices"
)

// A comparison of a metric, bare or in a window function, with a number, from
// either side. What a function changes the unit of has no limit to draw.
var (
	metricFirst = regexp.MustCompile(`(?:\b(\w+)\(\s*)?\b([A-Za-z_]\w*)\s*(,\s*"[^"]*"\s*\))?\s*(?:>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)`)
	numberFirst = regexp.MustCompile(`(-?\d+(?:\.\d+)?)\s*(?:>=|<=|>|<)\s*(?:(\w+)\(\s*)?\b([A-Za-z_]\w*)`)
	identifier  = regexp.MustCompile(`\b[A-Za-z_]\w*\b`)
)

// sameUnit are the functions whose result is in the unit of their metric.
func sameUnit(function string) bool {
	return slices.Contains([]string{"", "avg", "min", "max", "forecast"}, function)
}

// watched returns the metric that a condition is about, with the limits that
// it sets: what a chart of its alarms shows. Conditions about fault codes or
// silence have none of their own; they get the model's first temperature, or
// else its first quantity.
func watched(when string, model *devices.Model) (metric devices.Metric, limits []float64, ok bool) {
	if model == nil {
		return metric, nil, false
	}
	for _, name := range identifier.FindAllString(when, -1) {
		if m, known := model.Metrics[name]; known && (!ok || metric.Unit == "bool" && m.Unit != "bool") {
			metric, ok = m, true
		}
	}
	if !ok {
		for _, m := range chartOrder(model) {
			return m, nil, true
		}
		return metric, nil, false
	}
	return metric, limitsOf(when, metric.Name), true
}

func limitsOf(when, metric string) []float64 {
	var limits []float64
	add := func(function, name, number string) {
		if name != metric || !sameUnit(function) {
			return
		}
		if f, err := strconv.ParseFloat(number, 64); err == nil && !slices.Contains(limits, f) {
			limits = append(limits, f)
		}
	}
	for _, m := range metricFirst.FindAllStringSubmatch(when, -1) {
		function := m[1]
		if m[3] == "" {
			function = "" // the comparison stands inside the function's brackets
		}
		add(function, m[2], m[4])
	}
	for _, m := range numberFirst.FindAllStringSubmatch(when, -1) {
		add(m[2], m[3], m[1])
	}
	return limits
}
