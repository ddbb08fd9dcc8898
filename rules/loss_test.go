package rules

import (
	"strings"
	"testing"
	"time"

	"telltale/devices"
)

// breakStore makes storing a reading of humidity fail, as a mistake of ours
// would, until it is repaired.
func (s *story) breakStore() (repair func()) {
	p := s.engine.devices[fridgeID].plan
	slot := p.layout["humidity"]
	before := p.ringOf[slot]
	p.ringOf[slot] = 99
	return func() { p.ringOf[slot] = before }
}

func TestAReportThatCannotBeStoredDisturbsNoOther(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "warm", When: "temperature > 8"}, Rule{ID: "humid", When: `avg(humidity, "5m") > 80`})
	humid := func(n float64) devices.Report { return reportOf(fridgeID, minute(n), map[string]any{"humidity": 90}) }
	s.apply(0, humid(0))
	repair := s.breakStore()
	s.apply(1, humid(0.5), reportOf("fridge-2", minute(1), map[string]any{"temperature": 9}), humid(1), reportOf(fridgeID, minute(1), map[string]any{"temperature": 9}))
	raised := map[string]bool{}
	for _, one := range s.got {
		raised[one.Key.Subject.ID+" "+one.Key.Rule] = true
	}
	if !raised["fridge-2 warm"] || !raised["fridge-1 warm"] {
		t.Errorf("what can be stored raises only %v", raised)
	}
	losses := s.engine.TakeLosses()
	if len(losses) != 1 || losses[0].Device != fridgeID || losses[0].Count != 2 || !strings.Contains(losses[0].Reason, "index out of range") || !losses[0].At.Equal(minute(1)) {
		t.Errorf("losses %+v", losses)
	}
	if s.engine.Stats().Lost != 2 || s.engine.TakeLosses() != nil {
		t.Errorf("stats %+v", s.engine.Stats())
	}
	repair()
	for n := 2; n < 9; n++ {
		s.apply(float64(n), humid(float64(n)))
	}
	if state, _ := s.engine.State(fridgeID, "humid"); !state.Raised() {
		t.Errorf("%+v", state)
	}
	restored(t, s.engine, s.engine.Set())
}

// A failure of another kind is none of a report, and must not be hidden.
func TestAFailureOutsideOfAReportIsNotTakenForALoss(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "warm", When: "temperature > 8"})
	s.series(0, 4)
	defer func() {
		if recover() == nil {
			t.Error("it was hidden")
		}
	}()
	s.engine.set = nil // the next device has no plan
	s.apply(1, reportOf("fridge-2", minute(1), map[string]any{"temperature": 4}))
}

func TestALateReportThatCannotBeStoredLeavesTheOthersDecided(t *testing.T) {
	t.Parallel()
	s := newPatientStory(t, Rule{ID: "warm", When: "temperature > 8"}, Rule{ID: "humid", When: `avg(humidity, "5m") > 80`, For: time.Minute})
	for n, celsius := range []float64{4, 9, 9, 9} {
		s.warm(float64(n), float64(n), celsius)
	}
	told := []change{{"warm", "raised", 1}}
	s.want(told...)
	repair := s.breakStore()
	s.apply(4, reportOf(fridgeID, minute(2.5), map[string]any{"humidity": 50}), late(0.5, 9))
	s.want(append(told, change{"warm", "amended", 3})...)
	if got := s.last(Amended); !got.RaisedAt.Equal(minute(0.5)) {
		t.Errorf("%+v", got)
	}
	if losses := s.engine.TakeLosses(); len(losses) != 1 || losses[0].Count != 1 {
		t.Errorf("losses %+v", losses)
	}
	repair()
	s.apply(5, late(0.75, 9)) // what was lost is not tried again
	if losses := s.engine.TakeLosses(); losses != nil {
		t.Errorf("losses %+v", losses)
	}
	restored(t, s.engine, s.engine.Set())
}
