package rules

import (
	"math"
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

// changes lists transitions without counts, and without the releases that follow
// from the others; held_test.go is about these.
func changes(transitions []Transition) []change {
	var all []change
	for _, t := range transitions {
		if t.Change != Repeated && t.Change != Released {
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
		Explanation: []string{"temperature 9.1 > 8 since 10:00:00 UTC, held for 10 min (rule warm v3)"},
	}
	if diff := cmp.Diff(want, raise); diff != "" {
		t.Errorf("raise differs (-want +got):\n%s", diff)
	}
	if len(raise.AlarmID) != 26 {
		t.Errorf("alarm id %q", raise.AlarmID)
	}
}

// series sends one temperature a minute from minute from on.
func (s *story) series(from int, temperatures ...float64) {
	s.t.Helper()
	for i, v := range temperatures {
		s.report(float64(from+i), map[string]any{"temperature": v})
	}
}

func TestOneReadingBackInsideStartsTheOnDelayAgain(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "warm", When: "temperature > 8", For: 5 * time.Minute})
	s.series(0, 9, 9, 9, 9, 9, 8, 9, 9, 9, 9, 9, 9)
	s.want(change{"warm", "raised", 11})
}

func TestAStaleGapStartsAPendingAlarmAgain(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "warm", When: "temperature > 8", For: 5 * time.Minute})
	s.series(0, 9, 9, 9)
	s.series(5, 9, 9) // three minutes apart: as old as a value may be
	s.want(change{"warm", "raised", 5})

	s = newStory(t, Rule{ID: "warm", When: "temperature > 8", For: 5 * time.Minute})
	s.series(0, 9, 9, 9)
	s.report(5.01, map[string]any{"temperature": 9})
	for n := 6; n < 12; n++ {
		s.report(float64(n)+0.01, map[string]any{"temperature": 9})
	}
	s.want(change{"warm", "raised", 10.01})
}

func TestAStaleGapOfOneMetricDoesNotMatterWhereAnotherDecides(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "r", When: "temperature > 8 or humidity > 50", For: 6 * time.Minute})
	for n := range 8 {
		values := map[string]any{"humidity": 60}
		if n == 0 || n == 6 {
			values["temperature"] = 9
		}
		s.report(float64(n), values)
	}
	s.want(change{"r", "raised", 6})
}

func TestAStaleValueNeitherClearsNorRaises(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "r", When: "temperature > 8", ClearWhen: "temperature < 7", ClearFor: 4 * time.Minute})
	s.series(0, 9, 6, 6, 6)                                        // clearing since minute 1
	s.report(10, map[string]any{"temperature": 6})                 // the off-delay starts again here
	s.report(12, map[string]any{"temperature": 6, "humidity": 40}) // other metrics are no help
	s.report(13, map[string]any{"temperature": 6})
	s.report(14, map[string]any{"temperature": 6})
	s.want(change{"r", "raised", 0}, change{"r", "cleared", 14})
}

func TestAValueOfAnotherMetricGoesStaleInACondition(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "r", When: "temperature > 8 and door_open", For: 2 * time.Minute})
	s.report(0, map[string]any{"temperature": 9, "door_open": true})
	s.series(1, 9, 9, 9) // raised at 2; door_open is stale from minute 3 on
	s.series(4, 9, 9, 4) // 4: door unknown, and false and unknown is false
	s.want(change{"r", "raised", 2}, change{"r", "cleared", 6})
}

func TestWithADeadbandTheAlarmStaysBetweenTheLimits(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "warm", When: "temperature > 8", ClearWhen: "temperature < 7"})
	s.series(0, 9, 7.5, 8.5, 7.5, 6.9, 7.5, 8.1)
	s.want(change{"warm", "raised", 0}, change{"warm", "cleared", 4}, change{"warm", "raised", 6})
}

func TestOccurrencesAreReportedOnceForEachCall(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "warm", When: "temperature > 8", For: 2 * time.Minute})
	batch := func(from, to int) []devices.Report {
		var all []devices.Report
		for n := from; n < to; n++ {
			all = append(all, reportOf(fridgeID, minute(float64(n)), map[string]any{"temperature": 9}))
		}
		return all
	}
	s.apply(10, batch(0, 5)...)
	s.apply(20, batch(5, 10)...)
	s.apply(30, batch(5, 10)...) // all known already
	var got []string
	for _, one := range s.got {
		got = append(got, one.Change.String(), one.At.Sub(start).String(), string(rune('0'+one.Occurrences)))
	}
	want := []string{"raised", "2m0s", "3", "repeated", "4m0s", "5", "repeated", "9m0s", ":"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("transitions differ (-want +got):\n%s", diff)
	}
	s.report(40, map[string]any{"temperature": 5})
	if last := s.got[len(s.got)-1]; last.Change != Cleared || last.Occurrences != 10 {
		t.Errorf("last %+v", last)
	}
}

func TestDuplicatesAndLateReadingsAreCountedAndNotEvaluated(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "warm", When: "temperature > 8"}, Rule{ID: "fan", When: `fault("E21")`})
	s.report(5, map[string]any{"temperature": 4, "faults": []string{}})
	s.report(5, map[string]any{"temperature": 9, "faults": []string{"E21"}})                 // the same instant
	s.report(3, map[string]any{"temperature": 9, "humidity": 50, "faults": []string{"E21"}}) // late, but humidity is new
	twice := reportOf(fridgeID, minute(6), map[string]any{"temperature": 4})
	twice.Readings = append(twice.Readings, devices.Reading{Metric: "temperature", Value: devices.Number(9)})
	s.apply(6, twice)
	s.want()
	want := Stats{Reports: 4, Readings: 3, Duplicates: 3, Late: 2}
	got := s.engine.Stats()
	got.Evaluations = 0
	if got != want {
		t.Errorf("stats %+v, want %+v", got, want)
	}
}

func TestTimeNeverRunsBackwardsForADevice(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "r", When: "temperature > 8 or humidity > 50"})
	s.report(5, map[string]any{"temperature": 9})
	s.report(3, map[string]any{"humidity": 40}) // observed before the alarm was raised
	s.apply(6, reportOf(fridgeID, minute(4.5), map[string]any{"humidity": 40, "door_open": true}))
	s.report(6, map[string]any{"temperature": 4})
	s.want(change{"r", "raised", 5}, change{"r", "cleared", 6})
}

func TestFaultsHoldUntilTheDeviceSaysOtherwise(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "fan", When: `fault("E21")`, For: 3 * time.Minute})
	s.report(0, map[string]any{"faults": []string{"E21"}})
	s.series(1, 4, 4, 4, 4) // the device reports, and says nothing new about faults
	s.report(5, map[string]any{"faults": []string{"E9"}})
	s.want(change{"fan", "raised", 3}, change{"fan", "cleared", 5})
	if diff := cmp.Diff([]string{"E21"}, s.got[0].Faults); diff != "" {
		t.Errorf("faults differ (-want +got):\n%s", diff)
	}
	if got := s.got[0].Explanation[0]; got != "fault E21 is present since 10:00:00 UTC, held for 3 min (rule fan v0)" {
		t.Error(got)
	}
}

func TestAnInhibitorHoldsCreationBackAndNothingElse(t *testing.T) {
	t.Parallel()
	s := newStory(t,
		Rule{ID: "a-warm", Version: 1, When: "temperature > 8", InhibitedBy: []Inhibitor{{Rule: "power-lost"}, {Rule: "not-declared"}}},
		Rule{ID: "power-lost", When: "compressor_w == 0"},
	)
	s.report(0, map[string]any{"temperature": 9, "compressor_w": 0}) // both at once: the inhibitor comes first
	s.report(1, map[string]any{"temperature": 9.5, "compressor_w": 0})
	if state, ok := s.engine.State(fridgeID, "a-warm"); !ok || state.Phase != "pending" || state.HeldBackBy != "power-lost" {
		t.Errorf("state %+v, %v", state, ok)
	}
	s.report(2, map[string]any{"temperature": 9.8, "compressor_w": 60})
	s.report(3, map[string]any{"temperature": 9.8, "compressor_w": 0})
	s.report(4, map[string]any{"temperature": 4, "compressor_w": 0}) // an inhibited alarm still ends
	s.want(
		change{"power-lost", "raised", 0}, change{"a-warm", "suppressed", 0},
		change{"power-lost", "cleared", 2}, change{"a-warm", "raised", 2},
		change{"power-lost", "raised", 3}, change{"a-warm", "cleared", 4},
	)
	for _, one := range s.got {
		if one.Key.Rule == "a-warm" && one.Change == Raised {
			want := []string{
				"temperature 9.8 > 8 since 10:00:00 UTC, held for 2 min (rule a-warm v1)",
				"Held back from 10:00:00 UTC, while power-lost was active.",
			}
			if diff := cmp.Diff(want, one.Explanation); diff != "" || one.PendingSince != minute(0) || one.RaisedAt != minute(2) {
				t.Errorf("raise %+v differs (-want +got):\n%s", one, diff)
			}
		}
	}
}

func TestARuleOnTrialHoldsBackNoRealAlarm(t *testing.T) {
	t.Parallel()
	s := newStory(t,
		Rule{ID: "trial", When: "compressor_w == 0", Mode: Shadow},
		Rule{ID: "warm", When: "temperature > 8", InhibitedBy: []Inhibitor{{Rule: "trial"}}},
	)
	got := s.report(0, map[string]any{"temperature": 9, "compressor_w": 0})
	s.want(change{"trial", "raised", 0}, change{"warm", "raised", 0})
	if got[0].Mode != Shadow || got[1].Mode != Live || got[0].AlarmID == got[1].AlarmID {
		t.Errorf("transitions %+v", got)
	}
}

func TestSeverityRisesWithTheAgeOfTheAlarm(t *testing.T) {
	t.Parallel()
	rule := Rule{
		ID: "warm", Version: 2, When: "temperature > 8", Severity: Minor,
		Escalate: []Escalation{{After: 30 * time.Minute, Severity: Major}, {After: time.Hour, Severity: Critical}},
	}
	s := newStory(t, rule)
	s.report(0, map[string]any{"temperature": 9})
	if deadline, ok := s.engine.NextDeadline(); !ok || deadline != minute(30) {
		t.Errorf("deadline %v, %v", deadline, ok)
	}
	s.tick(29)
	s.want(change{"warm", "raised", 0})
	s.tick(45) // nothing arrives, and yet it is time
	s.report(70, map[string]any{"temperature": 9})
	s.report(71, map[string]any{"temperature": 4})
	s.want(change{"warm", "raised", 0}, change{"warm", "escalated", 30}, change{"warm", "escalated", 60}, change{"warm", "cleared", 71})
	step := s.got[1]
	if step.Severity != Major || step.RaisedAt != start || step.Explanation[0] != "Active for 30 min: severity major (rule warm v2)" {
		t.Errorf("escalation %+v", step)
	}
	if _, ok := s.engine.NextDeadline(); ok {
		t.Error("a cleared alarm still waits for time")
	}

	late := newStory(t, rule) // the same without anybody looking in between
	late.report(0, map[string]any{"temperature": 9})
	late.report(70, map[string]any{"temperature": 9})
	late.report(71, map[string]any{"temperature": 4})
	if diff := cmp.Diff(changes(s.got), changes(late.got)); diff != "" {
		t.Errorf("without ticks it differs (-with +without):\n%s", diff)
	}
}

func TestTracesNameTheReportThatDecided(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "warm", When: "temperature > 8"})
	reports := []devices.Report{
		reportOf(fridgeID, minute(0), map[string]any{"temperature": 4}),
		reportOf(fridgeID, minute(1), map[string]any{"temperature": 9}),
		reportOf(fridgeID, minute(2), map[string]any{"temperature": 9}),
		reportOf("fridge-2", minute(2), map[string]any{"temperature": 4}),
	}
	got := s.engine.Apply(reports, minute(3), func(i int) string { return "p0/7/" + string(rune('0'+i)) })
	if len(got) != 2 || got[0].Trace != "p0/7/1" || got[1].Trace != "p0/7/2" || got[1].Change != Repeated {
		t.Errorf("transitions %+v", got)
	}
}

// Twelve hours that arrive at once end as they would have live.
func TestStoreAndForwardGivesTheSameAlarms(t *testing.T) {
	t.Parallel()
	set := compile(t, untimed()...)
	live, later := NewEngine(set), NewEngine(set)
	var want []Transition
	var backlog []devices.Report
	for n := range 720 {
		values := map[string]any{"temperature": 6 + 4*math.Sin(float64(n)/9), "door_open": n%50 < 5, "humidity": 40 + float64(n%60)}
		r := reportOf(fridgeID, minute(float64(n)), values)
		want = append(want, live.Apply([]devices.Report{r}, minute(float64(n)), nil)...)
		r.ReceivedAt = minute(720)
		backlog = append(backlog, r)
	}
	got := later.Apply(backlog, minute(720), nil)
	if diff := cmp.Diff(life(want), life(got)); diff != "" {
		t.Errorf("alarms differ (-live +later):\n%s", diff)
	}
	if len(life(want)) < 20 {
		t.Errorf("only %d alarms: the test shows nothing", len(life(want)))
	}
}

func TestAnAlarmIdDependsOnWhatTheAlarmIsAlone(t *testing.T) {
	t.Parallel()
	key := Key{"warm", Subject{"device", "f1"}}
	ids := map[string]bool{}
	for _, id := range []string{
		alarmID(key, Live, 1, 0), alarmID(key, Shadow, 1, 0), alarmID(key, Live, 2, 0), alarmID(key, Live, 1, 1),
		alarmID(Key{"warm2", key.Subject}, Live, 1, 0), alarmID(Key{"warm", Subject{"device", "f2"}}, Live, 1, 0),
		alarmID(Key{"warm", Subject{"site", "f1"}}, Live, 1, 0),
	} {
		ids[id] = true
	}
	if len(ids) != 7 {
		t.Errorf("ids %v", ids)
	}
	if again := alarmID(key, Live, 1, 0); !ids[again] {
		t.Errorf("the same alarm has another id %s the second time", again)
	}
}

func TestReportsWithImpossibleTimesChangeNothing(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "warm", When: "temperature > 8"})
	r := reportOf(fridgeID, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), map[string]any{"temperature": 9})
	s.apply(0, r)
	if s.engine.Stats().Unbelievable != 1 {
		t.Errorf("stats %+v", s.engine.Stats())
	}
	r.ObservedAt, r.ReceivedAt = time.Time{}, time.Time{} // no time at all: that of the log
	s.apply(1, r)
	s.want(change{"warm", "raised", 1})
	s.engine.Tick(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))
}
