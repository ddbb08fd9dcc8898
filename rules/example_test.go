package rules_test

import (
	"fmt"
	"time"

	"telltale/devices"
	"telltale/rules"
)

// A rule is compiled against the declared models; an engine turns reports
// into transitions.
func Example() {
	fridge := &devices.Model{
		ID:          "FR-200",
		Metrics:     map[string]devices.Metric{"temperature": {Name: "temperature", Unit: "Cel"}},
		ReportEvery: time.Minute,
	}
	directory := devices.NewDirectory(1, []*devices.Model{fridge}, []*devices.Device{{ID: "fridge-17", Model: "FR-200"}})
	set, err := rules.Compile([]rules.Rule{{
		ID: "fridge-warm", Version: 3, When: "temperature > 8", For: 10 * time.Minute, ClearWhen: "temperature < 7",
	}}, directory)
	if err != nil {
		fmt.Println(err)
		return
	}

	engine := rules.NewEngine(set)
	start := time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC)
	for minute := range 20 {
		celsius := 9.1
		if minute > 12 {
			celsius = 6.5
		}
		at := start.Add(time.Duration(minute) * time.Minute)
		report := devices.Report{
			Device: "fridge-17", ObservedAt: at, ReceivedAt: at,
			Readings: []devices.Reading{{Metric: "temperature", Value: devices.Number(celsius)}},
		}
		for _, t := range engine.Apply([]devices.Report{report}, at, nil) {
			if t.Change != rules.Repeated {
				fmt.Println(t.At.Format("15:04"), t.Change, t.Explanation[0])
			}
		}
	}
	// Output:
	// 10:10 raised temperature 9.1 > 8 since 10:00:00 UTC, held for 10 min (rule fridge-warm v3)
	// 10:13 cleared temperature 6.5 < 7 at 10:13:00 UTC
}

// All that is wrong with a set of rules is reported at once, with its place.
func ExampleCompile() {
	fridge := &devices.Model{ID: "FR-200", Metrics: map[string]devices.Metric{"temperature": {Unit: "Cel"}}}
	directory := devices.NewDirectory(1, []*devices.Model{fridge}, nil)
	_, err := rules.Compile([]rules.Rule{
		{ID: "warm", When: "temprature > 8"},
		{ID: "cold", When: `temperature < "zero"`},
	}, directory)
	fmt.Println(err)
	// Output:
	// rule warm, when 1:1: unknown metric "temprature" (did you mean "temperature"?)
	// rule cold, when 1:15: the text "zero" is not a number
}
