package declare

import (
	"regexp"
	"slices"
	"time"

	"telltale/devices"
)

// metricName is what the rule language can read as a bare name. Vendors' own
// spellings, such as the WHO's TVC, are kept.
var metricName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// reservedNames are words of the rule language that cannot name a metric.
var reservedNames = []string{"and", "or", "not", "in", "true", "false", "nil"}

// staleFactor times the report distance is the age at which a value counts
// as unknown, where the model does not say.
const staleFactor = 3

// offlineFactor times the report distance is the silence after which a device
// counts as offline, where the model does not say.
const offlineFactor = 10

// latenessFactor times the report distance is how late a report may be and
// still amend what was decided without it, where the model does not say.
const latenessFactor = 10

func readModel(f *fields) any {
	m := &devices.Model{ID: f.mustID("id")}
	for _, e := range f.entries("metrics") {
		if m.Metrics == nil {
			m.Metrics = make(map[string]devices.Metric)
		}
		m.Metrics[e.key] = readMetric(e)
	}
	m.ReportEvery = f.duration("report_every")
	m.StaleAfter = f.duration("stale_after")
	if m.StaleAfter == 0 {
		m.StaleAfter = staleFactor * m.ReportEvery
	}
	if m.StaleAfter < m.ReportEvery {
		f.values["stale_after"].failf("must not be shorter than report_every (%s)", FormatDuration(m.ReportEvery))
	}
	m.OfflineAfter = f.duration("offline_after")
	if m.OfflineAfter == 0 {
		m.OfflineAfter = max(offlineFactor*m.ReportEvery, m.StaleAfter)
	}
	if m.OfflineAfter < m.StaleAfter {
		f.values["offline_after"].failf("must not be shorter than stale_after (%s)", FormatDuration(m.StaleAfter))
	}
	m.Lateness = latenessFactor * m.ReportEvery
	if _, said := f.has("lateness"); said {
		m.Lateness = f.duration("lateness")
	}
	for _, e := range f.entries("faults") {
		if m.Faults == nil {
			m.Faults = make(map[string]devices.FaultCode)
		}
		m.Faults[e.key] = readFaultCode(e)
	}
	m.Decoder = f.decoder()
	return m
}

func readMetric(e entry) devices.Metric {
	switch {
	case !metricName.MatchString(e.key):
		e.value.failf("%q is not a metric name (a letter, then letters, digits and _)", e.key)
	case slices.Contains(reservedNames, e.key):
		e.value.failf("%q is a word of the rule language and cannot name a metric", e.key)
	}
	f := e.value.fields()
	m := devices.Metric{Name: e.key, Unit: f.mustText("unit"), From: f.text("from")}
	if low, ok := f.number("min"); ok {
		m.Min = &low
	}
	if high, ok := f.number("max"); ok {
		m.Max = &high
	}
	if m.Min != nil && m.Max != nil && *m.Min > *m.Max {
		f.values["min"].failf("%v is above max (%v)", *m.Min, *m.Max)
	}
	f.done()
	return m
}

func readFaultCode(e entry) devices.FaultCode {
	f := e.value.fields()
	code := devices.FaultCode{
		Code:     e.key,
		Title:    f.mustText("title"),
		Severity: f.oneOf("severity", severityWords()...),
		Article:  f.id("article"),
	}
	f.done()
	return code
}

type modelSpec struct {
	ID           string               `json:"id"`
	Metrics      map[string]metric    `json:"metrics,omitempty"`
	ReportEvery  string               `json:"report_every,omitempty"`
	StaleAfter   string               `json:"stale_after,omitempty"`
	OfflineAfter string               `json:"offline_after,omitempty"`
	Lateness     string               `json:"lateness,omitempty"`
	Faults       map[string]faultCode `json:"faults,omitempty"`
	Decoder      string               `json:"decoder,omitempty"`
}

type metric struct {
	Unit string   `json:"unit"`
	Min  *float64 `json:"min,omitempty"`
	Max  *float64 `json:"max,omitempty"`
	From string   `json:"from,omitempty"`
}

type faultCode struct {
	Title    string `json:"title"`
	Severity string `json:"severity,omitempty"`
	Article  string `json:"article,omitempty"`
}

func encodeModel(m *devices.Model) modelSpec {
	spec := modelSpec{
		ID:           m.ID,
		Metrics:      make(map[string]metric, len(m.Metrics)),
		ReportEvery:  optionalDuration(m.ReportEvery),
		StaleAfter:   optionalDuration(m.StaleAfter),
		OfflineAfter: optionalDuration(m.OfflineAfter),
		Lateness:     optionalDuration(m.Lateness),
		Faults:       make(map[string]faultCode, len(m.Faults)),
		Decoder:      m.Decoder,
	}
	if m.ReportEvery > 0 && m.Lateness == 0 {
		spec.Lateness = FormatDuration(0) // said, and not left to the default
	}
	for name, one := range m.Metrics {
		spec.Metrics[name] = metric{Unit: one.Unit, Min: one.Min, Max: one.Max, From: one.From}
	}
	for code, one := range m.Faults {
		spec.Faults[code] = faultCode{Title: one.Title, Severity: one.Severity, Article: one.Article}
	}
	return spec
}

func optionalDuration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return FormatDuration(d)
}
