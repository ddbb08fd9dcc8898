package rules

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// calls prints what functions came to.
func calls(all []Computed) []string {
	said := make([]string, len(all))
	for i, c := range all {
		said[i] = c.Call + " unknown"
		if c.Value != nil {
			said[i] = fmt.Sprintf("%s %.4g %s", c.Call, *c.Value, c.Unit)
		}
	}
	return said
}

func TestARaiseKeepsWhatItsFunctionsCameTo(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, when string
		want       []string
	}{
		{"windows are in the unit of their metric", `avg(temperature, "5m") > 8 and max(temperature, "5m") - 1 > 7`,
			[]string{`avg(temperature, "5m") 9 Cel`, `max(temperature, "5m") 9 Cel`}},
		{"a rate is by the hour", `rate(temperature, "5m") > -1`, []string{`rate(temperature, "5m") 0 Cel/h`}},
		{"counts have no unit", `count(temperature, "5m") > 2 and count_where(temperature > 8, 3) == 3`,
			[]string{`count(temperature, "5m") 5 `, `count_where(temperature > 8, 3) 3 `}},
		{"times are in seconds", `time_where(temperature > 8, "1h") >= 300`, []string{`time_where(temperature > 8, "1h") 300 s`}},
		{"what is not known then is said to be so", `temperature > 8 or avg(humidity, "5m") > 8`, []string{`avg(humidity, "5m") unknown`}},
		{"each is there once", `avg(temperature, "5m") > 8 and not (avg(temperature, "5m") > 10)`, []string{`avg(temperature, "5m") 9 Cel`}},
		{"latest values are not repeated", `temperature > 8`, []string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t, Rule{ID: "warm", When: tt.when})
			s.series(0, 9, 9, 9, 9, 9, 9, 9)
			if diff := cmp.Diff(tt.want, calls(s.last(Raised).Evidence.Computed)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestARaiseOfAForecastSaysWhenTheLimitIsDue(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "soon", When: `forecast(temperature, "30m") > 8 or forecast(temperature, "30m") > degF(45.5)`})
	for n := range 300 {
		s.report(float64(n), map[string]any{"temperature": 2 + 0.1*math.Max(0, float64(n-200))})
	}
	raise := s.last(Raised)
	got := raise.Evidence.Outlook
	if got == nil {
		t.Fatal("no outlook")
	}
	if got.Metric != "temperature" || got.Limit != 7.5 || got.Unit != "Cel" {
		t.Errorf("the nearer limit is 45.5 °F, 7.5 °C; got %+v", got)
	}
	if got.InSeconds < 10*60 || got.InSeconds > 30*60 || got.At.Sub(raise.At).Round(time.Second) != time.Duration(got.InSeconds)*time.Second {
		t.Errorf("at %s, in %d s, raised at %s", got.At, got.InSeconds, raise.At)
	}

	s = newStory(t, Rule{ID: "warm", When: "temperature > 8"})
	s.series(0, 9)
	if got := s.last(Raised).Evidence.Outlook; got != nil {
		t.Errorf("without a forecast: %+v", got)
	}
}

func TestAnAmendedAlarmHasTheEvidenceOfTheSecondDecision(t *testing.T) {
	t.Parallel()
	s := newPatientStory(t, Rule{ID: "warm", When: `avg(temperature, "5m") > 8`})
	for n, celsius := range []float64{5, 5, 5, 9, 9, 9, 9, 9, 9} {
		s.warm(float64(n), float64(n), celsius)
	}
	raise := s.last(Raised)
	s.warm(2.5, 9, 30)
	amended := s.last(Amended)
	if len(amended.Evidence.Computed) != 1 || cmp.Equal(amended.Evidence, raise.Evidence) {
		t.Errorf("raised at %s by %v, amended to %s by %v", raise.RaisedAt, calls(raise.Evidence.Computed), amended.RaisedAt, calls(amended.Evidence.Computed))
	}
}

func TestARaiseKeepsWhatHeldItBack(t *testing.T) {
	t.Parallel()
	s := newStory(t, Rule{ID: "door", When: "door_open"},
		Rule{ID: "warm", When: "temperature > 8", InhibitedBy: []Inhibitor{{Rule: "door"}}})
	for n, open := range []bool{true, true, false} {
		s.report(float64(n), map[string]any{"temperature": 9, "door_open": open})
	}
	want := []Suppression{{By: "door", Why: "while door was active", From: minute(0)}}
	for _, change := range []Change{Suppressed, Raised} {
		if diff := cmp.Diff(want, s.last(change).Evidence.Held); diff != "" {
			t.Errorf("%s (-want +got)\n%s", change, diff)
		}
	}
}
