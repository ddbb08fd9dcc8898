package rules

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
)

// start is when the stories of these tests begin.
var start = time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC)

// fridge is a model that reports every minute and is stale after three.
func fridge() *devices.Model {
	return &devices.Model{
		ID: "FR-200",
		Metrics: map[string]devices.Metric{
			"temperature":  {Name: "temperature", Unit: "Cel"},
			"humidity":     {Name: "humidity", Unit: "%"},
			"door_open":    {Name: "door_open", Unit: "bool"},
			"mode":         {Name: "mode", Unit: "text"},
			"compressor_w": {Name: "compressor_w", Unit: "W", From: "CompPower"},
			"raw":          {Name: "raw"},
			"other":        {Name: "other"},
		},
		ReportEvery: time.Minute,
		Faults:      map[string]devices.FaultCode{"E21": {Code: "E21", Title: "Evaporator fan blocked"}},
	}
}

// story plays reports of one device to an engine, minute by minute.
type story struct {
	t      *testing.T
	engine *Engine
	got    []Transition
}

const fridgeID = devices.ID("fridge-1")

func directoryOf(ids ...devices.ID) *devices.Directory {
	var all []*devices.Device
	for _, id := range ids {
		all = append(all, &devices.Device{ID: id, Model: "FR-200"})
	}
	return devices.NewDirectory(1, []*devices.Model{fridge()}, all)
}

func compile(t testing.TB, rules ...Rule) *Set {
	t.Helper()
	set, err := Compile(rules, directoryOf(fridgeID, "fridge-2"))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func newStory(t *testing.T, rules ...Rule) *story {
	t.Helper()
	return &story{t: t, engine: NewEngine(compile(t, rules...))}
}

func minute(n float64) time.Time { return start.Add(time.Duration(n * float64(time.Minute))) }

// report sends readings observed and received n minutes after the start.
func (s *story) report(n float64, values map[string]any) []Transition {
	s.t.Helper()
	return s.apply(n, reportOf(fridgeID, minute(n), values))
}

// apply sends reports that arrive n minutes after the start.
func (s *story) apply(n float64, reports ...devices.Report) []Transition {
	s.t.Helper()
	got := s.engine.Apply(reports, minute(n), nil)
	s.got = append(s.got, got...)
	return got
}

// tick lets time pass until n minutes after the start, as the gateway does:
// at every deadline.
func (s *story) tick(n float64) {
	s.t.Helper()
	until := minute(n)
	for {
		deadline, ok := s.engine.NextDeadline()
		if !ok || deadline.After(until) {
			break
		}
		s.got = append(s.got, s.engine.Tick(deadline)...)
	}
	s.got = append(s.got, s.engine.Tick(until)...)
}

func reportOf(id devices.ID, at time.Time, values map[string]any) devices.Report {
	r := devices.Report{Device: id, ObservedAt: at, ReceivedAt: at}
	for name, v := range values {
		switch v := v.(type) {
		case float64:
			r.Readings = append(r.Readings, devices.Reading{Metric: name, Value: devices.Number(v)})
		case int:
			r.Readings = append(r.Readings, devices.Reading{Metric: name, Value: devices.Number(float64(v))})
		case bool:
			n := 0.0
			if v {
				n = 1
			}
			r.Readings = append(r.Readings, devices.Reading{Metric: name, Value: devices.Number(n)})
		case string:
			r.Readings = append(r.Readings, devices.Reading{Metric: name, Value: devices.Label(v)})
		case []string:
			r.Faults = v
		}
	}
	return r
}

// change is the part of a transition that most stories are about.
type change struct {
	Rule   string
	What   string
	Minute float64 // after the start
}

func changes(transitions []Transition) []change {
	var all []change
	for _, t := range transitions {
		if t.Change != Repeated {
			all = append(all, change{t.Key.Rule, t.Change.String(), t.At.Sub(start).Minutes()})
		}
	}
	return all
}

func (s *story) want(want ...change) {
	s.t.Helper()
	if diff := cmp.Diff(want, changes(s.got)); diff != "" {
		s.t.Errorf("transitions differ (-want +got):\n%s", diff)
	}
}

func TestAnAlarmIsRaisedAfterTheOnDelayAndClearedAfterTheOffDelay(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{
		ID: "warm", Version: 3, When: "temperature > 8", For: 10 * time.Minute,
		ClearWhen: "temperature < 7", ClearFor: 5 * time.Minute, Severity: Major,
	})
	for n := range 12 {
		s.report(float64(n), map[string]any{"temperature": 9.1})
	}
	for n := 12; n < 20; n++ {
		s.report(float64(n), map[string]any{"temperature": 6})
	}
	s.want(change{"warm", "raised", 10}, change{"warm", "cleared", 17})

	raise := s.got[0]
	want := Transition{
		AlarmID: raise.AlarmID, Key: Key{"warm", Subject{"device", "fridge-1"}}, Change: Raised,
		At: minute(10), RaisedAt: minute(10), PendingSince: start, Severity: Major, Occurrences: 11,
		RuleVersion: 3, Mode: Live, Values: map[string]devices.Value{"temperature": devices.Number(9.1)},
		Explanation: []string{"temperature 9.1 > 8 since 10:00:00 UTC, held for 10m (rule warm v3)"},
	}
	if diff := cmp.Diff(want, raise); diff != "" {
		t.Errorf("raise differs (-want +got):\n%s", diff)
	}
	if len(raise.AlarmID) != 26 {
		t.Errorf("alarm id %q", raise.AlarmID)
	}
}
