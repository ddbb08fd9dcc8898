package devices

import "time"

// Model is what all devices of one type share: what they measure, how often
// they report and what their fault codes mean.
type Model struct {
	ID      string
	Metrics map[string]Metric // by Metric.Name

	// ReportEvery is the regular distance between two reports.
	// Zero means unknown; then nothing goes stale.
	ReportEvery time.Duration

	// StaleAfter is the age at which a value counts as unknown.
	// Default: 3 x ReportEvery.
	StaleAfter time.Duration

	// OfflineAfter is how long a device may be silent before it counts as
	// offline and not just late. Default: 10 x ReportEvery, and no less than
	// StaleAfter. Zero means never: only a status or last will says so.
	OfflineAfter time.Duration

	// Lateness is how much older than the latest report of its device a
	// report may arrive and still be counted at its own time, amending what
	// was decided without it. Older ones only count for metrics that have
	// nothing newer. Zero means that none is counted again.
	Lateness time.Duration

	Faults map[string]FaultCode // by FaultCode.Code

	// Decoder is the payload script: JavaScript that turns the bytes of its
	// LoRaWAN frames into values, see docs/payload-scripts.md. "" if there is
	// none.
	Decoder string
}

// Metric is one quantity that devices of a model measure.
type Metric struct {
	Name string
	Unit string   // UCUM code such as "Cel", "W", "%"; "bool" for switches, "text" for words
	Min  *float64 // smallest believable value; nil: no bound
	Max  *float64 // largest believable value; nil: no bound
	From string   // the vendor's name, renamed to Name on arrival; "" if the same
}

// Believes reports whether v lies in the metric's range. A label is believed
// of a metric whose unit is text, and of one without a unit.
func (m Metric) Believes(v Value) bool {
	if v.IsLabel() {
		return m.takesText()
	}
	return (m.Min == nil || v.Number >= *m.Min) && (m.Max == nil || v.Number <= *m.Max)
}

// FaultCode is what a code that a device reports means.
type FaultCode struct {
	Code     string
	Title    string
	Severity string // info, minor, major, critical
	Article  string // knowledge article id
}
