package ingest

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"telltale/devices"
)

// view is the directory with what checking needs, made once per version.
type view struct {
	directory *devices.Directory
	metrics   map[*devices.Model]map[string]devices.Metric // by the name that devices use
}

func newView(d *devices.Directory) *view {
	v := &view{directory: d, metrics: make(map[*devices.Model]map[string]devices.Metric)}
	for _, m := range d.Models() {
		names := make(map[string]devices.Metric, len(m.Metrics))
		for name, metric := range m.Metrics {
			metric.Name = name
			names[name] = metric
		}
		for name, metric := range m.Metrics {
			if metric.From != "" {
				metric.Name = name
				names[metric.From] = metric
			}
		}
		v.metrics[m] = names
	}
	return v
}

// declares reports whether there is such a device.
func (v *view) declares(id devices.ID) bool {
	_, ok := v.directory.Device(id)
	return ok
}

// complaint is the first thing of its kind that is wrong with a message, and
// how many more there are.
type complaint struct {
	reason     Reason
	detail     string
	more       int
	devices    []devices.ID // that it is about, each once in a row
	observedAt time.Time    // by the clock of the first; zero when it said no time
}

// complaints are at most one for each reason.
type complaints []complaint

// add notes a complaint about a report; detail is only asked for when it is
// the first.
func (cs complaints) add(reason Reason, r *devices.Report, detail func() string) complaints {
	for i := range cs {
		if c := &cs[i]; c.reason == reason {
			c.more++
			if c.devices[len(c.devices)-1] != r.Device {
				c.devices = append(c.devices, r.Device)
			}
			return cs
		}
	}
	c := complaint{reason: reason, detail: detail(), devices: []devices.ID{r.Device}}
	if dated(r) {
		c.observedAt = deviceTime(r)
	}
	return append(cs, c)
}

// sentence is the detail, with how often the same is wrong again.
func (c complaint) sentence() string {
	if c.more == 0 {
		return c.detail
	}
	return c.detail + ", and " + strconv.Itoa(c.more) + " more"
}

// check keeps, in place, what can be believed of the reports: those of known
// devices at possible times, without their impossible values. It also gives
// the metrics their names.
func (v *view) check(reports []devices.Report, clock Clock) (kept []devices.Report, cs complaints) {
	kept = reports[:0]
	for i := range reports {
		r := &reports[i]
		device, ok := v.directory.Device(r.Device)
		if !ok {
			cs = cs.add(UnknownDevice, r, func() string { return fmt.Sprintf("device %s is not declared", r.Device) })
			continue
		}
		if !clock.believes(r) {
			cs = cs.add(ImpossibleTime, r, func() string { return clock.describe(r) })
			continue
		}
		if model, ok := v.directory.Model(device.Model); ok {
			cs = v.checkReadings(r, model, cs)
		} else {
			cs = checkFinite(r, cs)
		}
		// A swap, so that a report left out keeps its own readings' memory.
		reports[len(kept)], reports[i] = reports[i], reports[len(kept)]
		kept = reports[:len(kept)+1]
	}
	return kept, cs
}

func (v *view) checkReadings(r *devices.Report, model *devices.Model, cs complaints) complaints {
	names := v.metrics[model]
	for i := range r.Readings { // before units are converted
		if value := &r.Readings[i].Value; value.IsLabel() {
			*value = names[r.Readings[i].Metric].Read(*value)
		}
	}
	if r.Units != nil {
		cs = convert(r, names, cs)
	}
	kept := r.Readings[:0]
	for _, reading := range r.Readings {
		metric, declared := names[reading.Metric]
		switch {
		case !finite(reading.Value), declared && !metric.Believes(reading.Value):
			cs = cs.add(ImpossibleValue, r, func() string { return describeValue(r, reading, metric) })
			continue
		case declared:
			reading.Metric = metric.Name
		}
		kept = append(kept, reading)
	}
	r.Readings = kept
	return cs
}

// convert brings the readings into the units that the model declares, without
// those that no arithmetic brings there. A metric that the model does not know,
// or knows without a unit, stays as it is, and so does a label.
func convert(r *devices.Report, names map[string]devices.Metric, cs complaints) complaints {
	kept := r.Readings[:0]
	for i, reading := range r.Readings {
		want := names[reading.Metric].Unit
		if unit := r.Units[i]; unit != "" && want != "" && !reading.Value.IsLabel() {
			v, err := devices.Convert(reading.Value.Number, unit, want)
			if err != nil {
				cs = cs.add(ImpossibleValue, r, func() string {
					return fmt.Sprintf("device %s says %s is %s %s: %s", r.Device, reading.Metric, reading.Value, unit, err)
				})
				continue
			}
			reading.Value.Number = v
		}
		kept = append(kept, reading)
	}
	r.Readings, r.Units = kept, nil
	return cs
}

// checkFinite is what can be checked without a model.
func checkFinite(r *devices.Report, cs complaints) complaints {
	r.Units = nil
	kept := r.Readings[:0]
	for _, reading := range r.Readings {
		if !finite(reading.Value) {
			cs = cs.add(ImpossibleValue, r, func() string { return describeValue(r, reading, devices.Metric{}) })
			continue
		}
		kept = append(kept, reading)
	}
	r.Readings = kept
	return cs
}

func finite(v devices.Value) bool {
	return v.IsLabel() || !math.IsNaN(v.Number) && !math.IsInf(v.Number, 0)
}

func describeValue(r *devices.Report, reading devices.Reading, m devices.Metric) string {
	s := fmt.Sprintf("device %s says %s is %s", r.Device, reading.Metric, reading.Value)
	v := reading.Value.Number
	switch {
	case reading.Value.IsLabel() && devices.SwitchUnit(m.Unit):
		return s + ", a text that is neither on nor off; its model declares a switch"
	case reading.Value.IsLabel():
		return fmt.Sprintf("%s, a text; its model declares it in %s", s, m.Unit)
	case !finite(reading.Value):
		return s + ", which is no number"
	case m.Min != nil && v < *m.Min:
		return fmt.Sprintf("%s, below the %s that its model can measure", s, devices.Number(*m.Min))
	default:
		return fmt.Sprintf("%s, above the %s that its model can measure", s, devices.Number(*m.Max))
	}
}
