package views

import (
	"errors"
	"fmt"
	"time"

	"telltale/devices"
	"telltale/ingest/loggerfile"
)

// ReadingsImport is a part of a logger's file on its way to the gateway, as
// JSON in both of its ways: the API and the database.
type ReadingsImport struct {
	File    string        `json:"file" pattern:"^[0-9a-f]{64}$" doc:"SHA-256 of the whole file"`
	Name    string        `json:"name" maxLength:"1000" doc:"how people call the file"`
	DryRun  bool          `json:"dry_run,omitempty" doc:"check, and store nothing"`
	Entries []ImportEntry `json:"entries" maxItems:"5000"`
}

// MaxImport is how many entries one part has at most.
const MaxImport = 5000

// ImportEntry is a [loggerfile.Entry] as JSON.
type ImportEntry struct {
	Line   int          `json:"line" minimum:"1" doc:"in the file"`
	Device string       `json:"device" minLength:"1" maxLength:"128"`
	Time   *time.Time   `json:"time,omitempty" doc:"of the reading"`
	Metric string       `json:"metric,omitempty" maxLength:"128"`
	Value  any          `json:"value,omitempty" doc:"of the reading: a number, true, false or a text of up to 64 bytes"`
	Unit   string       `json:"unit,omitempty" maxLength:"64" doc:"UCUM code; absent: the model's own"`
	Alarm  *ImportAlarm `json:"alarm,omitempty" doc:"what the logger noted itself; then there is no reading"`
}

// ImportAlarm is a [loggerfile.Alarm] as JSON.
type ImportAlarm struct {
	From           time.Time  `json:"from"`
	Until          time.Time  `json:"until"`
	Kind           string     `json:"kind" enum:"above,below,sensor_timeout"`
	Limit          float64    `json:"limit" doc:"degrees Celsius; 0 for a sensor's timeout"`
	AllowedSeconds int64      `json:"allowed_seconds" minimum:"0" maximum:"31622400"`
	TotalSeconds   int64      `json:"total_seconds" minimum:"0" maximum:"31622400" doc:"beyond the limit between from and until"`
	RaisedAt       *time.Time `json:"raised_at,omitempty" doc:"absent: not in that time, or not said"`
	Text           string     `json:"text" maxLength:"65536" doc:"the line as it stands"`
}

// ImportResult says what became of a part.
type ImportResult struct {
	Readings int         `json:"readings" doc:"stored; of a dry run, such as would be"`
	Alarms   int         `json:"alarms" doc:"of the logger's own, kept as evidence"`
	Rejected []Rejection `json:"rejected"`
}

// Rejection is a line that is not stored, and why.
type Rejection struct {
	Line   int    `json:"line"`
	Detail string `json:"detail"`
}

// LoggerAlarm is what a logger noted itself, with the file that says so.
type LoggerAlarm struct {
	loggerfile.Alarm
	Device     devices.ID
	File       string // SHA-256 of the file, in hexadecimal
	Name       string // of the file
	Line       int
	ImportedAt time.Time
}

// NewImportEntry returns e as JSON has it.
func NewImportEntry(e loggerfile.Entry) ImportEntry {
	out := ImportEntry{Line: e.Line, Device: string(e.Device)}
	if e.Alarm != nil {
		alarm := NewImportAlarm(*e.Alarm)
		out.Alarm = &alarm
		return out
	}
	out.Time, out.Metric, out.Unit, out.Value = &e.At, e.Metric, e.Unit, e.Value.Number
	if e.Value.IsLabel() {
		out.Value = e.Value.Label
	}
	return out
}

// NewImportAlarm returns a as JSON has it.
func NewImportAlarm(a loggerfile.Alarm) ImportAlarm {
	out := ImportAlarm{
		From: a.From, Until: a.Until, Kind: a.Kind, Limit: a.Limit, Text: a.Text,
		AllowedSeconds: int64(a.Allowed / time.Second), TotalSeconds: int64(a.Total / time.Second),
	}
	if !a.RaisedAt.IsZero() {
		out.RaisedAt = &a.RaisedAt
	}
	return out
}

// Entry returns what the JSON says; an error is a sentence for whoever sent it.
func (v ImportEntry) Entry() (loggerfile.Entry, error) {
	e := loggerfile.Entry{Line: v.Line, Device: devices.ID(v.Device), Metric: v.Metric, Unit: v.Unit}
	if v.Alarm != nil {
		e.Alarm = v.Alarm.alarm()
		if !e.Alarm.Until.After(e.Alarm.From) {
			return e, errors.New("the alarm must end after it begins")
		}
		return e, nil
	}
	if v.Metric == "" || v.Time == nil {
		return e, errors.New("a reading needs a time and a metric")
	}
	e.At = *v.Time
	var err error
	e.Value, err = valueOf(v.Value)
	return e, err
}

func (v *ImportAlarm) alarm() *loggerfile.Alarm {
	a := &loggerfile.Alarm{
		From: v.From, Until: v.Until, Kind: v.Kind, Limit: v.Limit, Text: v.Text,
		Allowed: time.Duration(v.AllowedSeconds) * time.Second, Total: time.Duration(v.TotalSeconds) * time.Second,
	}
	if v.RaisedAt != nil {
		a.RaisedAt = *v.RaisedAt
	}
	return a
}

// maxText is the longest text that is a reading; codecs have the same limit.
const maxText = 64

func valueOf(v any) (devices.Value, error) {
	switch v := v.(type) {
	case float64:
		return devices.Number(v), nil
	case bool:
		if v {
			return devices.Number(1), nil
		}
		return devices.Number(0), nil
	case string:
		if v != "" && len(v) <= maxText {
			return devices.Label(v), nil
		}
	}
	return devices.Value{}, fmt.Errorf("value must be a number, true, false or a text of 1 to %d bytes", maxText)
}
