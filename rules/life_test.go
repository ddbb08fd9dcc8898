package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// last returns the last transition of a kind.
func (s *story) last(c Change) Transition {
	s.t.Helper()
	for i := len(s.got) - 1; i >= 0; i-- {
		if s.got[i].Change == c {
			return s.got[i]
		}
	}
	s.t.Fatalf("nothing was %s: %+v", c, changes(s.got))
	return Transition{}
}

// says checks that an explanation holds a text.
func says(t *testing.T, one Transition, text string) {
	t.Helper()
	if !strings.Contains(strings.Join(one.Explanation, "\n"), text) {
		t.Errorf("%s: explanation %q does not say %q", one.Change, one.Explanation, text)
	}
}

func twoSteps() Rule {
	return Rule{
		ID: "warm", Version: 2, When: "temperature > 8", Severity: Minor,
		Escalate: []Escalation{
			{When: "temperature > 12", For: time.Minute, ClearWhen: "temperature < 10", ClearFor: 2 * time.Minute, Severity: Critical},
			{When: "temperature > 10", Severity: Major},
		},
	}
}

func TestTheLadderRisesAndFallsWithItsConditions(t *testing.T) {
	t.Parallel()
	s := newStory(t, twoSteps())
	s.series(0, 9, 13, 13, 11, 11, 9, 9, 9, 9, 11, 7)
	s.want(
		change{"warm", "raised", 0}, change{"warm", "escalated", 1}, change{"warm", "escalated", 2},
		change{"warm", "de-escalated", 7}, change{"warm", "escalated", 9}, change{"warm", "cleared", 10},
	)
	var severities []Severity
	var critical Transition
	for _, one := range s.got {
		if one.Change != Repeated {
			severities = append(severities, one.Severity)
		}
		if one.Change == Escalated && one.Severity == Critical {
			critical = one
		}
	}
	if diff := cmp.Diff([]Severity{Minor, Major, Critical, Minor, Major, Major}, severities); diff != "" {
		t.Errorf("severities (-want +got):\n%s", diff)
	}
	says(t, critical, "Severity critical: temperature 13 > 12 since 10:01:00 UTC, held for 1 min (rule warm v2)")
	says(t, s.last(Deescalated), "Severity back to minor: temperature 9 < 10 since 10:05:00 UTC, held for 2 min (rule warm v2)")
}

func TestAnAlarmIsRaisedAsGraveAsItsLadderSays(t *testing.T) {
	t.Parallel()
	rule := twoSteps()
	rule.For = 5 * time.Minute
	s := newStory(t, rule)
	s.series(0, 13, 13, 13, 13, 13, 13)
	s.want(change{"warm", "raised", 5})
	if s.got[0].Severity != Critical {
		t.Errorf("raised as %s", s.got[0].Severity)
	}
	says(t, s.got[0], "Severity critical: temperature 13 > 12 since 10:00:00 UTC, held for 5 min")
}

func TestAStepIsForgottenWithItsAlarm(t *testing.T) {
	t.Parallel()
	s := newStory(t, twoSteps())
	s.series(0, 13, 13, 7, 9)
	if state, _ := s.engine.State(fridgeID, "warm"); state.Severity != Minor {
		t.Errorf("severity %s of a new alarm", state.Severity)
	}
}

func TestAStaleStretchInterruptsAStep(t *testing.T) {
	t.Parallel()
	s := newStory(t, twoSteps())
	s.series(0, 11, 13)
	s.report(5.5, map[string]any{"temperature": 13}) // too long after for the minute to count
	s.report(6, map[string]any{"temperature": 13})
	s.report(6.5, map[string]any{"temperature": 13})
	s.report(7, map[string]any{"temperature": 9})
	s.report(11, map[string]any{"temperature": 9}) // nor do these two
	s.report(12, map[string]any{"temperature": 9})
	s.report(13, map[string]any{"temperature": 9})
	s.want(change{"warm", "raised", 0}, change{"warm", "escalated", 6.5}, change{"warm", "de-escalated", 13})
}

func TestStepsByAgeAndByConditionGoTogether(t *testing.T) {
	t.Parallel()
	rule := twoSteps()
	rule.Escalate = append(rule.Escalate, Escalation{After: 10 * time.Minute, Severity: Major})
	s := newStory(t, rule)
	s.report(0, map[string]any{"temperature": 11}) // major by its condition
	s.tick(10)                                     // by age nothing more
	s.series(11, 9, 13, 13, 9, 9, 9)
	s.want(change{"warm", "raised", 0}, change{"warm", "escalated", 13}, change{"warm", "de-escalated", 16})
	if got := s.last(Deescalated).Severity; got != Major {
		t.Errorf("fell to %s, and age had made it major", got)
	}
}

func flapping() Rule {
	return Rule{ID: "warm", Version: 1, When: "temperature > 8",
		Chattering: Chattering{Times: 3, Within: 30 * time.Minute, Quiet: 10 * time.Minute}}
}

func TestAnAlarmThatComesAndGoesIsHeldAsOne(t *testing.T) {
	t.Parallel()
	s := newStory(t, flapping())
	s.series(0, 9, 7, 9, 7, 9, 7, 9, 7, 9, 7, 9, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7)
	s.want(
		change{"warm", "raised", 0}, change{"warm", "cleared", 1}, change{"warm", "raised", 2}, change{"warm", "cleared", 3},
		change{"warm", "raised", 4}, change{"warm", "cleared", 5}, change{"warm", "raised", 6}, change{"warm", "cleared", 21},
	)
	raise := s.last(Raised)
	if !raise.Chattering {
		t.Error("the fourth raise is not marked")
	}
	says(t, raise, "Chattering: raised more than 3 times within 30 min. It is held as one alarm and ends when it has been quiet for 10 min.")
	end := s.last(Cleared)
	if !end.Chattering || end.Occurrences != 3 {
		t.Errorf("end %+v", end)
	}
	says(t, end, "temperature 7 <= 8 since 10:11:00 UTC, held for 10 min")
}

func TestAnAlarmThatComesSeldomDoesNotChatter(t *testing.T) {
	t.Parallel()
	s := newStory(t, flapping())
	for n := 0; n < 100; n += 10 {
		s.series(n, 9, 7)
	}
	for _, one := range s.got {
		if one.Chattering {
			t.Fatalf("three in thirty minutes are allowed: %+v", one)
		}
	}
}

func TestReturnsWhileHeldCountForTheNextRaise(t *testing.T) {
	t.Parallel()
	rule := flapping()
	rule.Chattering.Quiet = time.Minute
	s := newStory(t, rule)
	s.series(0, 9, 7, 9, 7, 9, 7, 9, 7, 7) // the fourth chatters and ends after a quiet minute
	s.series(9, 9)
	if raise := s.last(Raised); raise.At != minute(9) || !raise.Chattering {
		t.Errorf("raise %+v", raise)
	}
}

func TestARaiseSoonAfterTheEndGoesOnWithTheSameAlarm(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "warm", When: "temperature > 8", ReopenWithin: 5 * time.Minute})
	s.series(0, 9, 7)
	s.series(6, 9, 7) // five minutes after the end, to the instant
	s.series(20, 9)
	var reopens []string
	for _, one := range s.got {
		if one.Change == Raised {
			reopens = append(reopens, one.Reopens)
		}
	}
	if diff := cmp.Diff([]string{"", s.got[0].AlarmID, ""}, reopens); diff != "" {
		t.Errorf("reopens (-want +got):\n%s", diff)
	}
	says(t, s.got[2], "It had ended at 10:01:00 UTC, 5 min before: the same alarm goes on.")
}

func TestWhatIsRememberedOfEarlierAlarmsSurvivesARestart(t *testing.T) {
	t.Parallel()
	rule := flapping()
	rule.ReopenWithin = time.Hour
	s := newStory(t, rule)
	for n, v := range []float64{9, 7, 9, 7, 9, 7, 9, 7, 9, 7} {
		s.engine = restored(t, s.engine, s.engine.Set())
		s.report(float64(n), map[string]any{"temperature": v})
	}
	if raise := s.last(Raised); !raise.Chattering || raise.Reopens == "" || raise.At != minute(6) {
		t.Errorf("last raise %+v", raise)
	}
}

func TestTheExplanationSaysWhenTheLimitWillBePassed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, when, says string }{
		{"a limit above", `forecast(temperature, "30m") > 8`, "temperature will pass 8 °C in about 30 min."},
		{"the limit on the left", `8 < forecast(temperature, "30m")`, "temperature will pass 8 °C in about 30 min."},
		{"with something else", `forecast(temperature, "30m") > 8 and not door_open`, "temperature will pass 8 °C in about 30 min."},
		{"in another unit", `forecast(temperature, "30m") > degF(46.4)`, "temperature will pass degF(46.4) in about 30 min."},
		{"a limit below", `forecast(temperature, "2h") < -6`, "temperature will pass -6 °C in about 2 h."},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t, Rule{ID: "soon", When: c.when})
			slope := 0.1
			if strings.Contains(c.when, "-6") {
				slope = -0.1
			}
			for n := range 600 {
				v := 2.0
				if n > 200 {
					v += slope * float64(min(n, 260)-200)
				}
				s.report(float64(n), map[string]any{"temperature": v, "door_open": false})
			}
			if len(s.got) == 0 {
				t.Fatal("never raised")
			}
			text := strings.Join(s.got[0].Explanation, " ")
			if !strings.Contains(text, "temperature will pass ") || !strings.Contains(text, " in about ") {
				t.Errorf("explanation %q", s.got[0].Explanation)
			}
			limit, _, _ := strings.Cut(c.says, " in about")
			says(t, s.got[0], limit)
		})
	}
	s := newStory(t, Rule{ID: "soon", When: `temperature > 1 or forecast(temperature, "30m") > 8`})
	s.series(0, 2)
	if len(s.got[0].Explanation) != 1 {
		t.Errorf("explanation without a forecast: %q", s.got[0].Explanation)
	}
}

func TestTimesAreRoundedAsTheyAreKnown(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "a minute", 20 * time.Second: "a minute", 90 * time.Second: "2 min", 25 * time.Minute: "25 min",
		119 * time.Minute: "119 min", 2 * time.Hour: "2 h", 127 * time.Minute: "2 h 5 min", 3*time.Hour + time.Minute: "3 h",
	} {
		if got := about(d); got != want {
			t.Errorf("about(%s) = %q, want %q", d, got, want)
		}
	}
}
