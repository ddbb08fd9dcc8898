package rules

import (
	"bytes"
	"testing"
	"time"

	"telltale/devices"
)

// What late reports do to the parts of an alarm's life beside its onset and
// its end.

func TestALateReportCorrectsTheCourseOfTheSeverity(t *testing.T) {
	t.Parallel()
	s := newPatientStory(t, twoSteps())
	for n, celsius := range []float64{9, 9, 11, 11, 9} {
		s.warm(float64(n), float64(n), celsius)
	}
	told := []change{{"warm", "raised", 0}, {"warm", "escalated", 2}, {"warm", "de-escalated", 4}}
	s.want(told...)
	s.warm(1.5, 5, 11) // it was major before
	s.want(append(told, change{"warm", "amended", 4})...)
	amended := s.last(Amended)
	says(t, amended, "Amended: its severity, minor, changed at other times. A report observed at 10:01:30 UTC arrived late.")
	if amended.Severity != Minor || amended.AlarmID != s.got[0].AlarmID {
		t.Errorf("%+v", amended)
	}
	s.warm(3.5, 6, 9) // and minor in between, at the end of which it is what was told
	s.warm(4.5, 6, 13)
	s.warm(5.5, 6, 13)
	if last := s.last(Escalated); last.Severity != Critical || last.At != minute(5.5) || last.Revision != 2 {
		t.Errorf("%+v", last)
	}
}

func TestAStepThatWasOnlyNotKnownYetTakesNothingBack(t *testing.T) {
	t.Parallel()
	s := newPatientStory(t, Rule{ID: "warm", When: "temperature > 8", Severity: Minor,
		Escalate: []Escalation{{When: "door_open", Severity: Critical}}})
	s.warm(0, 0, 9)
	s.warm(5, 5, 9)
	s.apply(6, reportOf(fridgeID, minute(3), map[string]any{"door_open": true}))
	s.want(change{"warm", "raised", 0}, change{"warm", "escalated", 3})
	if got := s.last(Escalated); got.Revision != 0 || got.Before != nil {
		t.Errorf("%+v", got)
	}
	says(t, s.last(Escalated), "Noticed late: a report observed at 10:03:00 UTC arrived late.")
}

func TestLateReportsShowThatAnAlarmChatters(t *testing.T) {
	t.Parallel()
	s := newPatientStory(t, Rule{ID: "warm", When: "temperature > 8",
		Chattering: Chattering{Times: 2, Within: 30 * time.Minute, Quiet: 10 * time.Minute}})
	for n, celsius := range []float64{9, 5, 5, 5, 5, 9, 5} {
		s.warm(float64(n), float64(n), celsius)
	}
	s.want(change{"warm", "raised", 0}, change{"warm", "cleared", 1}, change{"warm", "raised", 5}, change{"warm", "cleared", 6})
	s.apply(7, late(2.5, 9), late(3.5, 5))
	amended := s.last(Amended)
	says(t, amended, "Amended: it holds and did not end at 10:06:00 UTC, it chatters. 2 reports")
	if !amended.Chattering || !amended.ClearedAt.IsZero() || !amended.RaisedAt.Equal(minute(5)) {
		t.Errorf("%+v", amended)
	}
	if got := s.last(Raised); !got.RaisedAt.Equal(minute(2.5)) || !got.ClearedAt.Equal(minute(3)) {
		t.Errorf("raised late: %+v", got)
	}
	for n := 7; n <= 16; n++ {
		s.warm(float64(n), float64(n), 5)
	}
	if got := s.last(Cleared); got.At != minute(16) || got.AlarmID != amended.AlarmID || got.Revision != 1 {
		t.Errorf("%+v", got)
	}
}

func TestARaiseGoesOnWithAnAlarmUnderTheIdThatWasTold(t *testing.T) {
	t.Parallel()
	for _, restart := range []bool{false, true} {
		s := newPatientStory(t, Rule{ID: "warm", When: "temperature > 8", For: 2 * time.Minute, ReopenWithin: time.Hour})
		for n, celsius := range []float64{5, 5, 9, 9, 9, 5, 5} {
			s.warm(float64(n), float64(n), celsius)
		}
		s.warm(1.5, 7, 9) // an earlier onset, under the same id
		first := s.got[0]
		if got := s.last(Amended); got.AlarmID != first.AlarmID || !got.RaisedAt.Equal(minute(4)) && !got.RaisedAt.Equal(minute(3.5)) {
			t.Fatalf("%+v", got)
		}
		if restart {
			s.engine = restored(t, s.engine, s.engine.Set())
		}
		for n := 8; n < 11; n++ {
			s.warm(float64(n), float64(n), 9)
		}
		if got := s.last(Raised); got.Reopens != first.AlarmID || got.AlarmID == first.AlarmID {
			t.Errorf("restarted %v: %+v goes on with %s", restart, got, first.AlarmID)
		}
		s.warm(1.25, 11, 5) // and a second run finds the same
		s.want(change{"warm", "raised", 4}, change{"warm", "cleared", 5}, change{"warm", "amended", 6}, change{"warm", "raised", 10})
	}
}

// The power was out when the late report was observed, so it raises nothing,
// although the power is back when it comes; and what was raised before the
// power failed stays raised, although it is out when the late report comes.
func TestWhatStoodAtTheSiteIsNotDecidedAgain(t *testing.T) {
	t.Parallel()
	for _, restart := range []bool{false, true} {
		s := &story{t: t, engine: NewEngine(lateSiteSet(t, time.Hour, powerLost(), warmUnless(Inhibitor{"power-lost", SameSite})))}
		s.say(0, "fridge-2", "temperature", 9)
		s.say(1, "meter-1", "volts", 0)
		s.say(2, fridgeID, "temperature", 5)
		s.apply(3, reportOf("fridge-2", minute(0.5), map[string]any{"temperature": 9}), reportOf("fridge-2", minute(2), map[string]any{"temperature": 9}),
			reportOf("fridge-2", minute(1), map[string]any{"temperature": 9}))
		s.say(6, "meter-1", "volts", 230)
		s.say(7, fridgeID, "temperature", 5)
		if restart {
			s.engine = restored(t, s.engine, s.engine.Set())
		}
		s.apply(8, late(3, 9))
		told := []change{{"warm", "raised", 0}, {"power-lost", "raised", 1}, {"power-lost", "cleared", 6}, {"warm", "suppressed", 3}}
		s.want(told...)
		s.apply(9, late(7.5, 9))
		s.apply(9, late(7.25, 5), late(8, 9))
		s.want(append(told, change{"warm", "raised", 7.5})...)
	}
}

// Whom a far-reaching alarm holds back from now on follows what late reports
// make of it.
func TestALateReportThatEndsAFarReachingAlarmSetsOthersFree(t *testing.T) {
	t.Parallel()
	power := powerLost()
	power.For = 5 * time.Minute
	s := &story{t: t, engine: NewEngine(lateSiteSet(t, time.Hour, power, warmUnless(Inhibitor{"power-lost", SameSite})))}
	for n := range 7 {
		if n != 3 {
			s.say(float64(n), "meter-1", "volts", 0)
		}
	}
	s.say(6, fridgeID, "temperature", 9)
	told := []change{{"power-lost", "raised", 5}, {"warm", "suppressed", 6}}
	s.want(told...)
	s.apply(7, reportOf("meter-1", minute(3), map[string]any{"volts": 230}))
	s.say(8, fridgeID, "temperature", 9)
	s.want(append(told, change{"power-lost", "withdrawn", 6}, change{"warm", "raised", 8})...)
}

func TestALateReadingOfAMaintainedTimeIsHeldBack(t *testing.T) {
	t.Parallel()
	set := patient(t, time.Hour, Rule{ID: "warm", When: "temperature > 8"})
	under := func(until float64) *Set {
		return set.WithMaintenance([]Maintenance{{ID: "works", Devices: []devices.ID{fridgeID}, From: minute(10), To: minute(until)}})
	}
	s := &story{t: t, engine: NewEngine(under(20))}
	s.warm(0, 0, 5)
	s.warm(30, 30, 5)
	s.apply(31, late(12, 9))
	told := []change{{"warm", "suppressed", 12}}
	s.want(told...)
	s.apply(31, late(19, 9), late(21, 9), late(22, 5))
	told = append(told, change{"warm", "raised", 21}, change{"warm", "suppressed", 19})
	s.want(told...)
	says(t, s.last(Raised), "Held back from 10:19:00 UTC, by the maintenance works until 10:20:00 UTC.")

	// The same planned work keeps how far the device is taken back, other work ends it.
	s.engine.Use(under(20), minute(31))
	s.apply(31, late(25, 9), late(26, 5))
	s.engine.Use(under(40), minute(31))
	s.apply(31, late(27, 9), late(28, 5))
	s.want(append(told, change{"warm", "raised", 25})...)
	if stats := s.engine.Stats(); stats.Late != 2 {
		t.Errorf("stats %+v", stats)
	}
}

// A snapshot whose bytes were changed is refused, or leads to an engine that
// works: nothing in a journal is believed that could not be.
func TestAnyByteOfAJournalMayBeDamaged(t *testing.T) {
	t.Parallel()
	set := patientSite(t, time.Hour)
	e := NewEngine(set)
	for n := range 12 {
		e.Apply([]devices.Report{
			reportOf(fridgeID, minute(float64(n)), map[string]any{"temperature": 7 + n%3, "door_open": n%4 == 1}),
			reportOf("meter-1", minute(float64(n)), map[string]any{"volts": 230 * (n % 2)}),
		}, minute(float64(n)), nil)
	}
	state := e.Snapshot(nil)
	refused := 0
	for n := range state {
		for _, flip := range []byte{0x01, 0x80, 0xff} {
			damaged := bytes.Clone(state)
			damaged[n] ^= flip
			e := NewEngine(set)
			if err := e.Restore(damaged); err != nil {
				refused++
				continue
			}
			for _, late := range []float64{1.5, 6.5, 11.5} {
				e.Apply([]devices.Report{reportOf(fridgeID, minute(late), map[string]any{"temperature": 9, "door_open": true})}, minute(13), nil)
				e.Apply([]devices.Report{reportOf("meter-1", minute(late), map[string]any{"volts": 0})}, minute(13), nil)
			}
			e.Tick(minute(40))
		}
	}
	if refused < len(state)/4 {
		t.Errorf("%d of %d were refused", refused, 3*len(state))
	}
}
