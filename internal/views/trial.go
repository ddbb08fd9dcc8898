package views

import (
	"fmt"
	"time"

	"telltale/devices"
	"telltale/ingest"
)

// Trial is what would become of a message, as API and commands show it.
type Trial struct {
	Source   string         `json:"source" doc:"its filter; empty for a bare frame"`
	Codec    string         `json:"codec"`
	Topic    string         `json:"topic" doc:"that the message was taken to come on"`
	Reports  []TrialReport  `json:"reports"`
	Refusals []TrialRefusal `json:"refusals" doc:"what would go to quarantine"`
}

// TrialReport is one report within the message.
type TrialReport struct {
	Device     string         `json:"device"`
	ObservedAt time.Time      `json:"observed_at"`
	Presence   string         `json:"presence,omitempty" doc:"online or offline"`
	Faults     []string       `json:"faults,omitempty"`
	Refused    string         `json:"refused,omitempty" doc:"the reason why it would not be stored"`
	Readings   []TrialReading `json:"readings"`
}

// TrialReading is one value.
type TrialReading struct {
	Metric string `json:"metric"`
	Value  any    `json:"value" doc:"a number or a text"`
	Unit   string `json:"unit,omitempty" doc:"UCUM code"`
}

// Written is the value for people: a meter's million is not 1e+06.
func (r TrialReading) Written() string {
	if number, ok := r.Value.(float64); ok {
		return devices.Number(number).String()
	}
	return fmt.Sprint(r.Value)
}

// TrialRefusal is what would go to quarantine, and why.
type TrialRefusal struct {
	Reason string `json:"reason"`
	Detail string `json:"detail"`
	Field  string `json:"field,omitempty" doc:"of the payload"`
	Offset *int64 `json:"offset,omitempty" doc:"byte of the payload at which the fault begins, from 0"`
}

// ShowTrial writes a trial as it is shown.
func ShowTrial(t ingest.Trial) Trial {
	shown := Trial{
		Source: t.Source.Filter, Codec: t.Source.Codec, Topic: t.Topic,
		Reports: make([]TrialReport, 0, len(t.Reports)), Refusals: make([]TrialRefusal, 0, len(t.Refusals)),
	}
	for _, r := range t.Reports {
		report := TrialReport{
			Device: string(r.Device), ObservedAt: r.ObservedAt.UTC(), Faults: r.Faults, Refused: string(r.Refused),
			Readings: make([]TrialReading, 0, len(r.Readings)),
		}
		if r.Presence != devices.PresenceUnknown {
			report.Presence = r.Presence.String()
		}
		for _, one := range r.Readings {
			report.Readings = append(report.Readings, TrialReading{one.Metric, trialValue(one.Value), one.Unit})
		}
		shown.Reports = append(shown.Reports, report)
	}
	for _, r := range t.Refusals {
		refusal := TrialRefusal{Reason: string(r.Reason), Detail: r.Detail, Field: r.Field}
		if r.Offset >= 0 {
			refusal.Offset = &r.Offset
		}
		shown.Refusals = append(shown.Refusals, refusal)
	}
	return shown
}

// trialValue is a value in JSON, which has no infinities.
func trialValue(v devices.Value) any {
	if v.IsLabel() || v.Number-v.Number != 0 {
		return v.String()
	}
	return v.Number
}
