package rules

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"telltale/devices"
)

// patient compiles rules for fridges whose reports may be late.
func patient(t testing.TB, lateness time.Duration, rules ...Rule) *Set {
	t.Helper()
	model := fridge()
	model.Lateness = lateness
	set, err := Compile(rules, devices.NewDirectory(1, []*devices.Model{model},
		[]*devices.Device{{ID: fridgeID, Model: model.ID}, {ID: "fridge-2", Model: model.ID}}))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func newPatientStory(t *testing.T, rules ...Rule) *story {
	t.Helper()
	return &story{t: t, engine: NewEngine(patient(t, time.Hour, rules...))}
}

// warm reports a temperature that was observed at one minute and arrives at
// another.
func (s *story) warm(observed, arrives, celsius float64) {
	s.t.Helper()
	r := reportOf(fridgeID, minute(observed), map[string]any{"temperature": celsius})
	r.ReceivedAt = minute(arrives)
	s.apply(arrives, r)
}

// final is an alarm as it is known in the end.
type final struct {
	Key                    Key
	PendingSince, RaisedAt time.Time
	ClearedAt              time.Time
	Severity               Severity
	Chattering             bool
}

// finals folds transitions into the alarms they leave, by id.
func finals(transitions []Transition) map[string]final {
	all := map[string]final{}
	for _, t := range transitions {
		if t.Change == Suppressed || t.Change == Released {
			continue
		}
		f := final{t.Key, t.PendingSince, t.RaisedAt, t.ClearedAt, t.Severity, t.Chattering}
		if t.Change == Cleared {
			f.ClearedAt = t.At
		}
		all[t.AlarmID] = f
		if t.Change == Withdrawn {
			delete(all, t.AlarmID)
		}
	}
	return all
}

// sortedFinals lists the alarms without their ids, in order.
func sortedFinals(transitions []Transition) []final {
	return slices.SortedFunc(maps.Values(finals(transitions)), func(a, b final) int {
		return cmp.Or(a.RaisedAt.Compare(b.RaisedAt), strings.Compare(a.Key.String(), b.Key.String()))
	})
}

var tooWarm = Rule{ID: "warm", Version: 2, When: "temperature > 8", For: 10 * time.Minute, Severity: Major}

func TestALateReportThatBreaksTheStretchWithdrawsTheAlarm(t *testing.T) {
	t.Parallel()
	s := newPatientStory(t, tooWarm)
	for n := range 13 {
		if n != 5 {
			s.warm(float64(n), float64(n), 9)
		}
	}
	s.warm(5, 13, 4)
	s.want(change{"warm", "raised", 10}, change{"warm", "withdrawn", 12})
	raise, withdrawal := s.got[0], s.got[len(s.got)-1]
	if withdrawal.AlarmID != raise.AlarmID || withdrawal.Revision != 1 {
		t.Errorf("%+v withdraws %+v", withdrawal, raise)
	}
	want := &Before{PendingSince: start, RaisedAt: minute(10), Severity: Major, Occurrences: 12}
	if diff := gocmp.Diff(want, withdrawal.Before); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	if diff := gocmp.Diff([]string{"Withdrawn: it would not have been raised. A report observed at 10:05:00 UTC arrived late."},
		withdrawal.Explanation); diff != "" {
		t.Errorf("explanation (-want +got):\n%s", diff)
	}
	for n := 13; n < 20; n++ {
		s.warm(float64(n), float64(n), 9)
	}
	s.want(change{"warm", "raised", 10}, change{"warm", "withdrawn", 12}, change{"warm", "raised", 16})
	if last := s.got[len(s.got)-1]; last.AlarmID == raise.AlarmID {
		t.Errorf("the next alarm is %+v", last)
	}
}

func TestALateReportCorrectsTheOnsetUnderTheSameID(t *testing.T) {
	t.Parallel()
	s := newPatientStory(t, tooWarm)
	for n := range 3 {
		s.warm(float64(n), float64(n), 5)
	}
	for n := 5; n < 18; n++ {
		s.warm(float64(n), float64(n), 9)
	}
	s.apply(18, late(3, 9), late(4, 9), late(4, 9))
	s.want(change{"warm", "raised", 15}, change{"warm", "amended", 17})
	raise, amended := s.got[0], s.got[len(s.got)-1]
	if amended.AlarmID != raise.AlarmID || amended.Revision != 1 || amended.RaisedAt != minute(13) || amended.PendingSince != minute(3) {
		t.Errorf("%+v amends %+v", amended, raise)
	}
	if amended.Before.RaisedAt != minute(15) || amended.Before.PendingSince != minute(5) {
		t.Errorf("before %+v", amended.Before)
	}
	if got := amended.Explanation[len(amended.Explanation)-1]; got != "Amended: raised at 10:13:00 UTC instead of 10:15:00 UTC. "+
		"2 reports observed from 10:03:00 UTC to 10:04:00 UTC arrived late." {
		t.Errorf("explanation %q", got)
	}
	if stats := s.engine.Stats(); stats.Reordered != 2 || stats.Duplicates != 1 || stats.Late != 0 {
		t.Errorf("stats %+v", stats)
	}
	s.warm(19, 19, 4)
	if last := s.got[len(s.got)-1]; last.Change != Cleared || last.AlarmID != raise.AlarmID || last.Revision != 1 {
		t.Errorf("end %+v", last)
	}
}

func late(observed, celsius float64) devices.Report {
	return reportOf(fridgeID, minute(observed), map[string]any{"temperature": celsius})
}

func TestALateReportCorrectsTheEnd(t *testing.T) {
	t.Parallel()
	rule := tooWarm
	rule.For, rule.ClearFor = 0, 3*time.Minute
	s := newPatientStory(t, rule)
	for n, celsius := range []float64{9, 9, 5, 5} {
		s.warm(float64(n), float64(n), celsius)
	}
	s.warm(5, 5, 5)
	s.apply(6, late(4.5, 9), late(6, 5))
	s.want(change{"warm", "raised", 0}, change{"warm", "cleared", 5}, change{"warm", "amended", 5})
	if last := s.got[len(s.got)-1]; !last.ClearedAt.IsZero() || last.Before.ClearedAt != minute(5) {
		t.Errorf("amendment %+v", last)
	}
	s.warm(8.5, 8.5, 5)
	s.want(change{"warm", "raised", 0}, change{"warm", "cleared", 5}, change{"warm", "amended", 5}, change{"warm", "cleared", 8.5})
}

func TestABatchOfThePastRaisesWhatIsOverAlready(t *testing.T) {
	t.Parallel()
	s := newPatientStory(t, tooWarm)
	s.warm(0, 0, 5)
	s.warm(50, 50, 5)
	var batch []devices.Report
	for n := 10; n < 30; n++ {
		batch = append(batch, late(float64(n), 9))
	}
	s.apply(51, append(batch, late(30, 5))...)
	s.want(change{"warm", "raised", 20})
	if got := s.got[0]; got.ClearedAt != minute(30) || got.Occurrences != 20 || len(got.Explanation) != 3 {
		t.Errorf("raised %+v", got)
	}
	if s, _ := s.engine.State(fridgeID, "warm"); s.Phase != "normal" {
		t.Errorf("state %+v", s)
	}
}

func TestAReportOlderThanTheLatenessIsNotTakenIn(t *testing.T) {
	t.Parallel()
	s := newPatientStory(t, Rule{ID: "warm", When: "temperature > 8"})
	s.warm(0, 0, 5)
	s.warm(90, 90, 5)
	s.warm(30, 91, 9) // exactly as late as allowed is too late
	s.want()
	if stats := s.engine.Stats(); stats.Late != 1 || stats.Reordered != 0 {
		t.Errorf("stats %+v", stats)
	}
	s.warm(30.5, 91, 9)
	s.want(change{"warm", "raised", 30.5})
}

func TestAWordWithoutReadingsDoesNotShortenHowFarADeviceIsTakenBack(t *testing.T) {
	t.Parallel()
	s := newPatientStory(t, Rule{ID: "warm", When: "temperature > 8"})
	s.warm(0, 300, 5)
	s.warm(20, 300, 5)
	s.apply(300, devices.Report{Device: fridgeID, ReceivedAt: minute(300), Presence: devices.Online})
	s.warm(10, 301, 9)
	s.want(change{"warm", "raised", 10})
}

func TestAReportBehindAnEscalationTakesItBack(t *testing.T) {
	t.Parallel()
	s := newPatientStory(t, Rule{ID: "warm", When: "temperature > 8", Severity: Minor, Escalate: []Escalation{{After: 30 * time.Minute, Severity: Critical}}})
	s.warm(0, 0, 9)
	s.tick(40)
	s.warm(20, 41, 5) // in order, but the timer was ahead of it
	s.want(change{"warm", "raised", 0}, change{"warm", "escalated", 30}, change{"warm", "amended", 20})
	if last := s.got[len(s.got)-1]; last.Severity != Minor || last.ClearedAt != minute(20) || last.Before.Severity != Critical {
		t.Errorf("amendment %+v", last)
	}
}

func TestSilenceIsNotDecidedAgain(t *testing.T) {
	t.Parallel()
	s := newPatientStory(t,
		Rule{ID: "quiet", When: `silent("15m")`},
		Rule{ID: "warm", When: "temperature > 8", InhibitedBy: []Inhibitor{{Rule: "quiet"}}})
	s.warm(0, 0, 5)
	s.tick(20)
	s.want(change{"quiet", "raised", 15})
	s.warm(20, 20, 5)
	s.want(change{"quiet", "raised", 15}, change{"quiet", "cleared", 20})
	s.warm(10, 21, 9)
	s.want(change{"quiet", "raised", 15}, change{"quiet", "cleared", 20}, change{"warm", "raised", 10})
}

// Twelve hours of minute readings with thirty episodes; the device says first
// how it is now, then what it has kept, in whatever order.
func TestAStoreOfTwelveHoursGivesTheAlarmsOfLiveDelivery(t *testing.T) {
	t.Parallel()
	rule := tooWarm
	rule.Escalate = []Escalation{{After: 12 * time.Minute, Severity: Critical}}
	set := patient(t, 13*time.Hour, rule, Rule{ID: "average", When: `avg(temperature, "20m") > 7 and door_open`},
		Rule{ID: "budget", When: `time_where(temperature > 8, "2h") > 3600`})
	var all []devices.Report
	for n := range 720 {
		celsius := 5.0
		if n%24 < 12+n/60 {
			celsius = 9
		}
		all = append(all, reportOf(fridgeID, minute(float64(n)), map[string]any{"temperature": celsius, "door_open": n%7 < 5}))
	}
	now := reportOf(fridgeID, minute(720), map[string]any{"temperature": 5, "door_open": true})
	live := NewEngine(set)
	var want []Transition
	for _, r := range append(slices.Clone(all), now) {
		want = append(want, live.Apply([]devices.Report{r}, r.ReceivedAt, nil)...)
	}
	if n := len(finals(want)); n < 20 {
		t.Fatalf("only %d alarms: the test shows nothing", n)
	}
	for _, order := range []string{"oldest first", "newest first", "in one batch"} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			e := NewEngine(set)
			stored := slices.Clone(all)
			if order == "newest first" {
				slices.Reverse(stored)
			}
			size := 10
			if order == "in one batch" {
				size = len(stored)
			}
			got := e.Apply([]devices.Report{now}, minute(720), nil)
			for batch := range slices.Chunk(stored, size) {
				got = append(got, e.Apply(batch, minute(721), nil)...)
			}
			if diff := gocmp.Diff(sortedFinals(want), sortedFinals(got)); diff != "" {
				t.Errorf("alarms differ (-live +stored):\n%s", diff)
			}
			if err := checkLife(map[string]Transition{}, got); err != nil {
				t.Error(err)
			}
		})
	}
}

// Whoever adds to what is remembered of a device has to say what becomes of it
// when the device is taken back: writer.state, or a reason why not.
func TestEveryPartOfADeviceIsTakenBackOrSaysWhyNot(t *testing.T) {
	t.Parallel()
	parts := map[string]string{
		"id": "", "plan": "", "queued": "found again by schedule",
		"slots": "state", "cells": "state, but for rules that go by our clock", "busy": "by cells", "ladders": "as cells", "pasts": "as cells; the ids beside the state",
		"trackers": "state, but for peers", "learned": "state; the peers go by our clock", "faults": "state", "faultsAt": "state",
		"observed": "state", "rings": "kept for longer, and cut off",
		"received": "our clock", "contact": "our clock", "decided": "our clock",
		"journal": "what it is taken back by", "amended": "counts on",
	}
	for f := range reflect.TypeFor[device]().Fields() {
		if _, ok := parts[f.Name]; !ok {
			t.Errorf("device.%s: does it belong to writer.state and device.readState?", f.Name)
		}
	}
}
