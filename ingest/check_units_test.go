package ingest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
)

func TestReadingsComeInTheModelsUnits(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, device, metric, unit string
		value, want                devices.Value
	}{
		{"the unit of the model is left alone", "fridge-1", "temperature", "Cel", devices.Number(4.2), devices.Number(4.2)},
		{"no unit is the model's", "fridge-1", "temperature", "", devices.Number(4.2), devices.Number(4.2)},
		{"Fahrenheit becomes Celsius", "fridge-1", "temperature", "F", devices.Number(39.2), devices.Number(4)},
		{"a renamed metric is converted as well", "fridge-1", "TempC_SHT", "K", devices.Number(277.15), devices.Number(4)},
		{"kilowatts become watts before the range is looked at", "fridge-1", "compressor_w", "kW", devices.Number(1.5), devices.Number(1500)},
		{"a label has no unit", "fridge-1", "mode", "F", devices.Label("cold"), devices.Label("cold")},
		{"a text that is a number is one, in its unit", "fridge-1", "temperature", "F", devices.Label("39.2"), devices.Number(4)},
		{"a switch that is on is 1", "fridge-1", "door_open", "", devices.Label("ON"), devices.Number(1)},
		{"a text of a metric that the model does not know stays as it is", "fridge-1", "relay", "", devices.Label("on"), devices.Label("on")},
		{"a metric that the model does not know stays as it is", "fridge-1", "pressure", "psi", devices.Number(30), devices.Number(30)},
		{"a device without a model stays as it is", "orphan", "temperature", "F", devices.Number(39.2), devices.Number(39.2)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := devices.Report{Device: devices.ID(c.device), ObservedAt: now, ReceivedAt: now, Units: []string{"%", c.unit},
				Readings: []devices.Reading{{Metric: "humidity", Value: devices.Number(50)}, {Metric: c.metric, Value: c.value}}}
			kept, cs := newView(fleet()()).check([]devices.Report{r}, Clock{})
			if len(cs) != 0 || len(kept) != 1 {
				t.Fatalf("kept %v, complaints %v", kept, cs)
			}
			if diff := cmp.Diff(c.want, kept[0].Readings[1].Value); diff != "" || kept[0].Units != nil {
				t.Errorf("units %v, value differs (-want +got):\n%s", kept[0].Units, diff)
			}
		})
	}
}

func TestReadingsInAnotherQuantityAreRefused(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	reports := []devices.Report{{Device: "fridge-1", ObservedAt: now, ReceivedAt: now,
		Units: []string{"F", "bar", "furlong", "F"},
		Readings: []devices.Reading{
			{Metric: "temperature", Value: devices.Number(39.2)},
			{Metric: "compressor_w", Value: devices.Number(2)},
			{Metric: "door_open", Value: devices.Number(1)},
			{Metric: "temperature", Value: devices.Number(500)},
		}}}
	kept, cs := newView(fleet()()).check(reports, Clock{})
	want := []devices.Reading{{Metric: "temperature", Value: devices.Number(4)}}
	if diff := cmp.Diff(want, kept[0].Readings); diff != "" {
		t.Errorf("readings differ (-want +got):\n%s", diff)
	}
	const sentence = "device fridge-1 says compressor_w is 2 bar: bar cannot be converted to W: one is a pressure, the other a power, and 2 more"
	if len(cs) != 1 || cs[0].reason != ImpossibleValue || cs[0].sentence() != sentence {
		t.Errorf("complaints %v, want %s", cs, sentence)
	}
}

func TestATextWhereTheModelDeclaresANumberIsRefused(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct{ metric, text, want string }{
		{"temperature", "warm", "device fridge-1 says temperature is warm, a text; its model declares it in Cel"},
		{"TempC_SHT", "9,4", "device fridge-1 says TempC_SHT is 9,4, a text; its model declares it in Cel"},
		{"door_open", "ajar", "device fridge-1 says door_open is ajar, a text that is neither on nor off; its model declares a switch"},
	} {
		r := devices.Report{Device: "fridge-1", ObservedAt: now, ReceivedAt: now, Readings: []devices.Reading{
			{Metric: c.metric, Value: devices.Label(c.text)}, {Metric: "compressor_w", Value: devices.Number(80)}}}
		kept, cs := newView(fleet()()).check([]devices.Report{r}, Clock{})
		if len(cs) != 1 || cs[0].reason != ImpossibleValue || cs[0].sentence() != c.want {
			t.Errorf("complaints %v, want %s", cs, c.want)
		}
		if want := []devices.Reading{{Metric: "compressor_w", Value: devices.Number(80)}}; !cmp.Equal(want, kept[0].Readings) {
			t.Errorf("beside %s %s is kept %v, want %v", c.metric, c.text, kept[0].Readings, want)
		}
	}
}
