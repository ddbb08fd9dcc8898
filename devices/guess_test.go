package devices_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"telltale/devices"
)

// kinds are models that share some of their metrics.
func kinds() []*devices.Model {
	model := func(id string, metrics ...devices.Metric) *devices.Model {
		m := &devices.Model{ID: id, Metrics: map[string]devices.Metric{}}
		for _, metric := range metrics {
			m.Metrics[metric.Name] = metric
		}
		return m
	}
	low, high, hot := -40.0, 30.0, 300.0
	fridge := devices.Metric{Name: "temperature", Unit: "Cel", Min: &low, Max: &high}
	oven := devices.Metric{Name: "temperature", Unit: "Cel", Min: &high, Max: &hot}
	door, humidity := devices.Metric{Name: "door_open", Unit: "bool"}, devices.Metric{Name: "humidity", Unit: "%"}
	framed := model("framed", devices.Metric{Name: "temperature", Unit: "Cel", From: "TempC_SHT"}, humidity)
	framed.Decoder = "function decodeUplink(input) {}"
	return []*devices.Model{
		model("fridge", fridge, door), model("room", fridge, humidity), model("oven", oven, door, devices.Metric{Name: "program"}),
		model("meter", devices.Metric{Name: "power", Unit: "W"}), framed,
	}
}

func TestModelsAreGuessedByAllThatWasSent(t *testing.T) {
	t.Parallel()
	number := func(name string, v float64, unit string) devices.Sample {
		return devices.Sample{Name: name, Value: devices.Number(v), Unit: unit}
	}
	label := func(name, v string) devices.Sample { return devices.Sample{Name: name, Value: devices.Label(v)} }
	for _, c := range []struct {
		name    string
		samples []devices.Sample
		framed  bool
		want    []devices.Guess
	}{
		{"all of it", []devices.Sample{number("temperature", 4, ""), number("door_open", 0, "")}, false, []devices.Guess{
			{Model: "fridge", Matched: 2, Fit: 1},
		}},
		{"one metric that several models have", []devices.Sample{number("temperature", 4, "")}, false, []devices.Guess{
			{Model: "fridge", Matched: 1, Missing: 1, Fit: 1 / 1.5}, {Model: "room", Matched: 1, Missing: 1, Fit: 1 / 1.5},
		}},
		{"a value out of one model's range and in another's", []devices.Sample{number("temperature", 180, ""), number("door_open", 0, "")}, false, []devices.Guess{
			{Model: "oven", Matched: 2, Missing: 1, Fit: 2 / 2.5},
		}},
		{"a value in another unit", []devices.Sample{number("temperature", 39.2, "[degF]"), number("door_open", 1, "")}, false, []devices.Guess{
			{Model: "fridge", Matched: 2, Fit: 1},
		}},
		{"one known metric among many others", []devices.Sample{number("temperature", 4, ""), number("co2", 600, ""), number("noise", 40, ""), number("lux", 9, "")}, false, nil},
		{"a metric of another kind", []devices.Sample{number("power", 4, "Cel")}, false, nil},
		{"a text where there is a number", []devices.Sample{label("power", "high")}, false, nil},
		{"a text where there may be one", []devices.Sample{label("program", "eco"), number("door_open", 0, ""), number("temperature", 60, "")}, false, []devices.Guess{
			{Model: "oven", Matched: 3, Fit: 1},
		}},
		{"the vendor's name, in a frame", []devices.Sample{number("TempC_SHT", 4, ""), number("humidity", 40, "")}, true, []devices.Guess{
			{Model: "framed", Matched: 2, Fit: 1},
		}},
		{"our name, in a frame", []devices.Sample{number("temperature", 4, ""), number("humidity", 40, "")}, true, []devices.Guess{
			{Model: "framed", Matched: 2, Fit: 1}, {Model: "room", Matched: 2, Fit: 1},
		}},
		{"a model with a script is for frames", []devices.Sample{number("temperature", 4, ""), number("humidity", 40, "")}, false, []devices.Guess{
			{Model: "room", Matched: 2, Fit: 1}, {Model: "framed", Matched: 2, Fit: 0.5},
		}},
		{"nothing", nil, false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, devices.GuessModels(c.samples, c.framed, kinds())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Whoever sends all metrics of a model, with values that it allows, is guessed
// to be of it or of one that fits as well, and nothing that is sent besides
// makes a model fit better.
func TestWhoSendsAllMetricsOfAModelIsGuessedToBeOfIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.SampledFrom(kinds()).Draw(t, "model")
		var samples []devices.Sample
		for name, metric := range m.Metrics {
			value := 30.0
			if metric.Unit == "bool" {
				value = 1
			}
			samples = append(samples, devices.Sample{Name: name, Value: devices.Number(value)})
		}
		of := func(samples []devices.Sample) (fit, best float64) {
			for _, g := range devices.GuessModels(samples, true, kinds()) {
				best = max(best, g.Fit)
				if g.Model == m.ID {
					fit = g.Fit
				}
			}
			return fit, best
		}
		if fit, _ := of(samples); fit != 1 {
			t.Fatalf("%s fits its own metrics by %v", m.ID, fit)
		}
		more := append(samples, devices.Sample{Name: rapid.StringMatching(`x[a-z]{3}`).Draw(t, "besides"), Value: devices.Number(1)})
		if fit, _ := of(more); fit >= 1 {
			t.Fatalf("%s fits by %v what it does not explain", m.ID, fit)
		}
	})
}
