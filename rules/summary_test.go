package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
)

func summaryModels() []*devices.Model {
	return []*devices.Model{{ID: "FR-200", ReportEvery: time.Minute, Metrics: map[string]devices.Metric{
		"temperature": {Name: "temperature", Unit: "Cel"}, "door_open": {Name: "door_open", Unit: "bool"},
		"compressor_w": {Name: "compressor_w", Unit: "W"}, "mode": {Name: "mode", Unit: "text"}, "torque": {Name: "torque", Unit: "N.m"},
	}}}
}

func TestConditionsArePutIntoWords(t *testing.T) {
	t.Parallel()
	for when, want := range map[string]string{
		`temperature > 8`:                   "temperature is above 8 °C",
		`not (temperature > 8)`:             "temperature is at most 8 °C",
		`temperature > degF(46.4)`:          "temperature is above 8 °C (degF(46.4))",
		`door_open`:                         "door open is on",
		`not door_open`:                     "door open is off",
		`door_open == 1`:                    "door open is on",
		`door_open == 0`:                    "door open is off",
		`door_open != 0 and not door_open`:  "door open is on and door open is off",
		`mode in ["defrost", "eco"]`:        `mode is one of "defrost", "eco"`,
		`mode != "defrost"`:                 `mode is not "defrost"`,
		`fault("E21") and temperature >= 5`: "fault E21 is present and temperature is at least 5 °C",
		`not fault("E21")`:                  "fault E21 is not present",
		`silent("15m")`:                     "nothing is heard for 15 minutes",
		`not silent("90m")`:                 "the device was heard within 1 hour 30 minutes",
		`(temperature > 8 or temperature < 2) and door_open`: "(temperature is above 8 °C or temperature is below 2 °C) and door open is on",
		`not (temperature > 8 or door_open)`:                 "temperature is at most 8 °C and door open is off",
		`avg(temperature, "10m") > 8`:                        "the average of temperature over 10 minutes is above 8 °C",
		`rate(temperature, "30m") > 2`:                       "the trend of temperature over 30 minutes is above 2 °C per hour",
		`forecast(temperature, "30m") > 8`:                   "the temperature expected in 30 minutes is above 8 °C",
		`time_where(temperature > 8, "24h") > 3600`:          "the time in the last 24 hours during which temperature is above 8 °C, in all, is above 1 hour",
		`count_where(temperature > 8, 5) >= 3`:               "the number of the latest 5 reports in which temperature is above 8 °C is at least 3",
		`since(door_open) > 600`:                             "the time since door open is on is above 10 minutes",
		`torque * compressor_w > 100`:                        "(torque × compressor w) is above 100",
		`anomaly(temperature) > 0.9`:                         "the unusualness (0 to 1) of temperature by the device's own past is above 0.9",
		`temperature >`:                                      "temperature >",
	} {
		if got := summarizeCondition(when, newScope(summaryModels())); got != want {
			t.Errorf("%s\n got: %s\nwant: %s", when, got, want)
		}
	}
}

func TestARuleIsSummarized(t *testing.T) {
	t.Parallel()
	r := &Rule{
		ID: "warm", When: "temperature > 8", For: 10 * time.Minute, ClearWhen: "temperature < 7", ClearFor: 5 * time.Minute,
		Severity: Major, Latch: true, LatchFrom: Critical, InhibitedBy: []Inhibitor{{Rule: "site-power-lost", Scope: SameSite}},
		Escalate:   []Escalation{{After: 30 * time.Minute, Severity: Critical}, {When: "temperature > 15", For: time.Minute, Severity: Critical}},
		Chattering: Chattering{Times: 3, Within: time.Hour, Quiet: 30 * time.Minute}, ReopenWithin: 36 * time.Hour,
		Ticket: TicketTemplate{Priority: "high", Team: "appliances", Article: "KB-7"}, Mode: Live,
	}
	want := []string{
		"Raises an alarm when temperature is above 8 °C, for 10 minutes.",
		"Clears it when temperature is below 7 °C, for 5 minutes.",
		"The alarm is major; becomes critical after 30 minutes; is critical while temperature is above 15 °C, for 1 minute.",
		"Is held back while site-power-lost is active at the same site.",
		"From critical on, stays open until somebody has acknowledged it.",
		"Is held as one alarm when it was raised more than 3 times within 1 hour, until it has been quiet for 30 minutes.",
		"Goes on as the same alarm when it is raised again within 36 hours of its end.",
		"Opens a ticket of high priority for the team appliances, with the article KB-7.",
	}
	if diff := cmp.Diff(want, Summarize(r, summaryModels())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r.Mode = Shadow
	if got := Summarize(r, nil); !strings.Contains(strings.Join(got, " "), "on trial") {
		t.Errorf("a rule on trial is said to %s", got)
	}
}

// FuzzSummarize: whatever a rule's condition is, it is put into words.
func FuzzSummarize(f *testing.F) {
	for _, when := range []string{`temperature > 8`, `not (a and b) or c in [1]`, `since(x > 1e300) > 1e300`, `time_where(a > 1, "1h") > -5`, `--a > 1`} {
		f.Add(when)
	}
	f.Fuzz(func(t *testing.T, when string) {
		for _, models := range [][]*devices.Model{nil, summaryModels()} {
			if got := Summarize(&Rule{ID: "r", When: when}, models); len(got) < 4 {
				t.Errorf("%q: %q", when, got)
			}
		}
	})
}
