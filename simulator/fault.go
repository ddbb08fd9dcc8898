package simulator

import (
	"time"

	"telltale/devices"
)

// FaultKind is what goes wrong.
type FaultKind string

// Kinds of faults.
const (
	Compressor FaultKind = "compressor" // does not run
	Door       FaultKind = "door"       // stays open
	Power      FaultKind = "power"      // mains lost; a battery keeps the sensors going
	Heater     FaultKind = "heater"     // does not heat
	Leak       FaultKind = "leak"       // water below the machine
	Code       FaultKind = "code"       // Fault.Code is present
	Stuck      FaultKind = "stuck"      // the sensor repeats its last value
	Spike      FaultKind = "spike"      // the sensor says Fault.Value
	Bias       FaultKind = "bias"       // the sensor is off by Fault.Value
	Drift      FaultKind = "drift"      // the sensor is off by Fault.Value more each hour
	Noise      FaultKind = "noise"      // the sensor is off by chance, by Fault.Value as a rule
	Dropout    FaultKind = "dropout"    // the connection is lost and nothing reported
)

// faultTraits says what a kind of fault can befall and what it needs.
type faultTraits struct {
	kind                        FaultKind
	cabinet, washer             bool // what it can befall
	sensor, needsValue, hasCode bool
}

func allFaults() []faultTraits {
	return []faultTraits{
		{kind: Compressor, cabinet: true},
		{kind: Door, cabinet: true},
		{kind: Power, cabinet: true},
		{kind: Heater, washer: true},
		{kind: Leak, washer: true},
		{kind: Code, cabinet: true, washer: true, hasCode: true},
		{kind: Stuck, cabinet: true, washer: true, sensor: true},
		{kind: Spike, cabinet: true, washer: true, sensor: true, needsValue: true},
		{kind: Bias, cabinet: true, washer: true, sensor: true, needsValue: true},
		{kind: Drift, cabinet: true, washer: true, sensor: true, needsValue: true},
		{kind: Noise, cabinet: true, washer: true, sensor: true, needsValue: true},
		{kind: Dropout, cabinet: true, washer: true},
	}
}

// Fault is one thing that goes wrong with one unit for some time.
type Fault struct {
	Device devices.ID
	Kind   FaultKind
	At     time.Duration // after the scenario's start
	For    time.Duration // zero: to the end
	Metric string        // of sensor faults
	Value  float64       // of spike, bias, drift and noise, in the metric's unit
	Code   string        // of code
}

// activeAt reports whether the fault holds at a time after the start.
func (f Fault) activeAt(since time.Duration) bool {
	return since >= f.At && (f.For == 0 || since < f.At+f.For)
}

// active lists the faults that hold.
type active []Fault

func (a active) has(kind FaultKind) bool {
	for _, f := range a {
		if f.Kind == kind {
			return true
		}
	}
	return false
}

// codes lists the fault codes present, never nil: a device that says nothing
// is wrong says so.
func (a active) codes() []string {
	codes := []string{}
	for _, f := range a {
		if f.Kind == Code {
			codes = append(codes, f.Code)
		}
	}
	return codes
}
