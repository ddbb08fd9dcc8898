//go:build !race

package rules

import (
	"fmt"
	"slices"
	"time"

	"telltale/devices"
	"telltale/simulator"
)

// faultyUnit is the temperature of a simulated cabinet, and when something is
// wrong with it.
type faultyUnit struct {
	labelled
	fault    simulator.FaultKind // "": nothing
	from, to int64
}

// fleetFaults are what a cabinet's temperature should show.
func fleetFaults() []simulator.Fault {
	return []simulator.Fault{
		{},
		{Kind: simulator.Compressor, For: 6 * time.Hour},
		{Kind: simulator.Door, For: 2 * time.Hour},
		{Kind: simulator.Bias, For: 24 * time.Hour, Metric: "temperature", Value: 2.5},
		{Kind: simulator.Drift, For: 72 * time.Hour, Metric: "temperature", Value: 0.1},
		{Kind: simulator.Stuck, For: 24 * time.Hour, Metric: "temperature"},
		{Kind: simulator.Noise, For: 24 * time.Hour, Metric: "temperature", Value: 1},
	}
}

// faultyFleet is 19 days of cabinets that report every minute: each kind has
// four units with each of the faults, which begin after two weeks at different
// hours of the day. Compressors cycle, doors are opened, freezers defrost.
func faultyFleet() []*faultyUnit {
	const each, length, healthy = 4, 19 * 24 * time.Hour, 14 * 24 * time.Hour
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	scenario := simulator.Scenario{Seed: 7}
	units := make(map[devices.ID]*faultyUnit)
	for _, kind := range []simulator.Kind{simulator.Fridge, simulator.Freezer, simulator.Reefer} {
		for _, f := range fleetFaults() {
			for n := range each {
				f.Device = devices.ID(fmt.Sprintf("%s-%s-%d", kind, f.Kind, n))
				f.At = healthy + time.Duration(n)*7*time.Hour
				group := simulator.Group{Kind: kind, Count: 1, ID: string(f.Device), Model: "M", ReportEvery: time.Minute}
				scenario.Groups = append(scenario.Groups, group)
				unit := &faultyUnit{labelled: labelled{name: string(f.Device)}, fault: f.Kind, from: begin.Add(length).UnixNano()}
				if f.Kind != "" {
					scenario.Faults = append(scenario.Faults, f)
					unit.from, unit.to = begin.Add(f.At).UnixNano(), begin.Add(f.At+f.For).UnixNano()
				}
				units[f.Device] = unit
			}
		}
	}
	fleet := simulator.NewFleet(&scenario, begin)
	for at := time.Duration(0); at <= length; at += 6 * time.Hour {
		for _, r := range fleet.Step(begin.Add(at)) {
			for _, reading := range r.Readings {
				if reading.Metric == "temperature" {
					u := units[r.Device]
					u.at, u.value = append(u.at, r.ObservedAt.UnixNano()), append(u.value, reading.Value.Number)
				}
			}
		}
	}
	var all []*faultyUnit
	for _, id := range fleet.Units() {
		all = append(all, units[id])
	}
	return all
}

// fleetFigures is how a detector does on a fleet.
type fleetFigures struct {
	falseAlarms float64 // per device and month
	units       map[simulator.FaultKind]int
	delays      map[simulator.FaultKind][]float64 // of the faults that were found, in hours, ascending
}

func (f *fleetFigures) median(kind simulator.FaultKind) float64 {
	if d := f.delays[kind]; len(d) > 0 {
		return d[len(d)/2]
	}
	return 0
}

// judgeFleet says how the scores of a fleet's readings do with a threshold.
// The first three days do not count, nor what comes after a fault.
func judgeFleet(fleet []*faultyUnit, scores [][]float64, threshold float64) fleetFigures {
	f := fleetFigures{units: map[simulator.FaultKind]int{}, delays: map[simulator.FaultKind][]float64{}}
	days, falseAlarms := 0.0, 0
	for i, u := range fleet {
		f.units[u.fault]++
		days += hours(u.from-u.at[0])/24 - 3
		found := false
		for _, k := range onsets(u.labelled, scores[i], threshold) {
			switch at := u.at[k]; {
			case hours(at-u.at[0]) >= 72 && at < u.from:
				falseAlarms++
			case at >= u.from && at < u.to && !found:
				found = true
				f.delays[u.fault] = append(f.delays[u.fault], hours(at-u.from))
			}
		}
	}
	for _, d := range f.delays {
		slices.Sort(d)
	}
	f.falseAlarms = float64(falseAlarms) / days * 30
	return f
}
