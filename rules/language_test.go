package rules

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
)

// evaluator evaluates conditions on values given by hand.
func evaluateCondition(t testing.TB, condition string, values map[string]any) truth {
	t.Helper()
	n, problems, _ := checkCondition(condition, newScope([]*devices.Model{fridge()}))
	if len(problems) > 0 {
		t.Fatalf("%s: %+v", condition, problems)
	}
	mp := newModelPlan(fridge(), nil)
	d := newDevice(fridgeID, &plan{modelPlan: mp})
	r := reportOf(fridgeID, start, values)
	now, _ := nanos(start)
	for _, reading := range r.Readings {
		d.slots[mp.layout[reading.Metric]].set(now, reading.Value)
	}
	f := &frame{slots: d.slots, now: now, oldest: now - mp.stale, faults: r.Faults, faultsKnown: r.Faults != nil}
	f.quiet, f.quietHeard = int64(20*time.Minute), int64(10*time.Minute)
	return (&binder{layout: mp.layout}).truth(n)(f)
}

func TestConditions(t *testing.T) {
	t.Parallel()
	known := map[string]any{
		"temperature": 9.1, "humidity": 40.0, "door_open": true, "mode": "defrost", "raw": "eco", "other": 5.0,
		"faults": []string{"E21", "E9"},
	}
	for _, c := range []struct {
		condition string
		want      truth
	}{
		{"temperature > 8", yes},
		{"temperature > 9.1", no},
		{"temperature >= 9.1", yes},
		{"temperature < 9.1", no},
		{"temperature <= 9.1", yes},
		{"temperature == 9.1", yes},
		{"temperature != 9.1", no},
		{"8 < temperature", yes},
		{"8 < temperature < 9", no},
		{"8 < temperature <= 9.1", yes},
		{"not 8 < temperature < 9", yes},
		{"not (8 < temperature < 10)", no},
		{"-temperature < -9", yes},
		{"+temperature > 9", yes},
		{"temperature > -0.5", yes},
		{"temperature > 8 and humidity > 50", no},
		{"temperature > 8 or humidity > 50", yes},
		{"temperature > 8 && !(humidity > 50) || false", yes},
		{"temperature > 10 or temperature > 8 and humidity > 30", yes},
		{"(temperature > 10 or temperature > 8) and humidity > 50", no},
		{"not temperature > 8", no},
		{"not temperature + 1 > 8", no},
		{"not not temperature > 8", yes},
		{"not temperature > 8 or humidity > 30", yes},
		{"temperature + humidity == 49.1", yes},
		{"humidity - temperature * 2 < 22", yes},
		{"humidity / 8 == 5", yes},
		{"humidity % 7 == 5", yes},
		{"humidity / 0 > 1", unknown},
		{"humidity % 0 == 1", unknown},
		{"1 + 2 * 3 == other + 2", yes},
		{"abs(other - temperature) > 4", yes},
		{"min(temperature, humidity, other) == 5", yes},
		{"max(temperature, humidity) == 40", yes},
		{"door_open", yes},
		{"not door_open", no},
		{"door_open and temperature > 8", yes},
		{"door_open == true", yes},
		{"door_open != true", no},
		{"not door_open == false", yes},
		{"door_open == 1", yes},
		{"door_open + 1 == 2", yes},
		{"door_open == (temperature > 8)", yes},
		{"true", yes},
		{"false or false", no},
		{`mode == "defrost"`, yes},
		{`mode != 'defrost'`, no},
		{`"defrost" == mode`, yes},
		{`mode in ["eco", "defrost"]`, yes},
		{`mode not in ["eco", "defrost"]`, no},
		{`not (mode in ["eco"])`, yes},
		{`not mode in ["eco"]`, yes},
		{"other in [3, 5, -7.5]", yes},
		{"other in [1, 2]", no},
		{`raw == "eco"`, yes},
		{"raw > 3", unknown},
		{"raw == 3", unknown},
		{`other == "eco"`, unknown},
		{"raw == other", unknown},
		{"raw == raw", yes},
		{"other != other", no},
		{`raw in [1, "eco"]`, yes},
		{`other in [1, "eco"]`, no},
		{"other", yes},
		{"raw", unknown},
		{`metric("temperature") > 8`, yes},
		{`fault("E21")`, yes},
		{`fault("E21") and fault("E9") and not fault("E1")`, yes},
		{`silent("10m")`, yes},
		{`silent("15m")`, unknown}, // 20 minutes quiet, but we listened for 10 only
		{`silent("20m1s")`, no},
		{`silent("1d12h")`, no},
	} {
		t.Run(c.condition, func(t *testing.T) {
			t.Parallel()
			if got := evaluateCondition(t, c.condition, known); got != c.want {
				t.Errorf("is %s, want %s", got, c.want)
			}
		})
	}
}

func TestWhatIsMissingMakesAConditionUnknownOnlyWhereItMatters(t *testing.T) {
	t.Parallel()
	only := map[string]any{"temperature": 9.1}
	for _, c := range []struct {
		condition string
		want      truth
	}{
		{"humidity > 8", unknown},
		{"not humidity > 8", unknown},
		{"humidity > 8 or temperature > 8", yes},
		{"temperature > 8 or humidity > 8", yes},
		{"humidity > 8 or temperature > 10", unknown},
		{"humidity > 8 and temperature > 10", no},
		{"humidity > 8 and temperature > 8", unknown},
		{"humidity + temperature > 8", unknown},
		{"humidity * 0 == 0", unknown},
		{"humidity == humidity", unknown},
		{"humidity != humidity", unknown},
		{"abs(humidity) >= 0", unknown},
		{"max(temperature, humidity) > 8", unknown},
		{"max(humidity, temperature / temperature * 1e308 * 10) > 8", unknown},
		{"door_open", unknown},
		{"door_open == true", unknown},
		{"door_open == false or true", yes},
		{`mode == "eco"`, unknown},
		{`mode != "eco"`, unknown},
		{`mode in ["eco"]`, unknown},
		{`mode not in ["eco"]`, unknown},
		{"raw == other", unknown},
		{`fault("E21")`, unknown},
		{`not fault("E21")`, unknown},
	} {
		t.Run(c.condition, func(t *testing.T) {
			t.Parallel()
			if got := evaluateCondition(t, c.condition, only); got != c.want {
				t.Errorf("is %s, want %s", got, c.want)
			}
		})
	}
	if got := evaluateCondition(t, "temperature > 8", map[string]any{"temperature": math.NaN()}); got != unknown {
		t.Errorf("a value that is not a number is %s", got)
	}
	if got := evaluateCondition(t, `not fault("E21")`, map[string]any{"faults": []string{}}); got != yes {
		t.Errorf("an empty list of faults says that there is none, got %s", got)
	}
}

func TestThreeValuedLogic(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ a, b, and, or, equal truth }{
		{yes, yes, yes, yes, yes},
		{yes, no, no, yes, no},
		{yes, unknown, unknown, yes, unknown},
		{no, yes, no, yes, no},
		{no, no, no, no, yes},
		{no, unknown, no, unknown, unknown},
		{unknown, yes, unknown, yes, unknown},
		{unknown, no, no, unknown, unknown},
		{unknown, unknown, unknown, unknown, unknown},
	} {
		if got := c.a.and(c.b); got != c.and {
			t.Errorf("%s and %s is %s, want %s", c.a, c.b, got, c.and)
		}
		if got := c.a.or(c.b); got != c.or {
			t.Errorf("%s or %s is %s, want %s", c.a, c.b, got, c.or)
		}
		if got := c.a.equals(c.b); got != c.equal {
			t.Errorf("%s == %s is %s, want %s", c.a, c.b, got, c.equal)
		}
		if c.a.and(c.b).not() != c.a.not().or(c.b.not()) {
			t.Errorf("De Morgan fails for %s, %s", c.a, c.b)
		}
	}
	for _, c := range []struct{ in, want truth }{{yes, no}, {no, yes}, {unknown, unknown}} {
		if got := c.in.not(); got != c.want {
			t.Errorf("not %s is %s", c.in, got)
		}
	}
}

func TestWhatIsWrongWithACondition(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ condition, want string }{
		{"", "rule r, when 1:1: the condition is empty"},
		{" \n ", "rule r, when 1:1: the condition is empty"},
		{"temperature >", "rule r, when 1:13: the condition ends too early"},
		{"temperature > 8)", `rule r, when 1:16: ")" is not expected here`},
		{"(temperature > 8", "rule r, when 1:16: the condition ends too early"},
		{"temperature = 8", `rule r, when 1:13: "=" is not expected here (write == to compare)`},
		{"temperature > 8 AND door_open", `rule r, when 1:17: "AND" is not expected here (write and in small letters)`},
		{"temperature > 8 °C", `rule r, when 1:17: "°" is not expected here (write 8, or degC(8) and degF(46) for other units than the metric's)`},
		{"temperature > 8\n  and humidty > 50", `rule r, when 2:7: unknown metric "humidty" (did you mean "humidity"?)`},
		{"Temperature > 8", `rule r, when 1:1: unknown metric "Temperature" (did you mean "temperature"?)`},
		{"CompPower > 8", `rule r, when 1:1: unknown metric "CompPower" (model FR-200 renames it to "compressor_w")`},
		{"pressure_in_pascal > 8", `rule r, when 1:1: unknown metric "pressure_in_pascal" (metrics of FR-200: compressor_w, door_open, humidity, mode, other, raw, temperature)`},
		{"temperature", "rule r, when 1:1: temperature (a number in Cel) is neither true nor false (compare it, as in temperature > 0)"},
		{"temperature + 1", "rule r, when 1:13: a number is neither true nor false (compare it with something)"},
		{`"warm"`, `rule r, when 1:1: the text "warm" is neither true nor false (compare it with something)`},
		{"mode", "rule r, when 1:1: mode (a text) is neither true nor false (compare it with something)"},
		{`temperature == "hot"`, `rule r, when 1:13: temperature (a number in Cel) cannot be compared with the text "hot"`},
		{`temperature > "hot"`, `rule r, when 1:15: the text "hot" is not a number`},
		{"mode > 3", "rule r, when 1:1: mode (a text) is not a number"},
		{"mode == 3", "rule r, when 1:6: mode (a text) cannot be compared with the number 3"},
		{"temperature == true", "rule r, when 1:13: temperature (a number in Cel) cannot be compared with a condition"},
		{"(temperature > 8) + 1 > 1", "rule r, when 1:14: a condition is not a number"},
		{"temperature > 8 > 3 and 1 < (humidity > 3) < 2", "rule r, when 1:39: a condition is not a number"},
		{"temperature and door_open", "rule r, when 1:1: temperature (a number in Cel) is neither true nor false (compare it, as in temperature > 0)"},
		{"temperature > 1 / 0", "rule r, when 1:17: division by zero"},
		{`mode in "eco"`, `rule r, when 1:9: in is followed by a list (as in mode in ["eco", "away"])`},
		{"other in 1..5", `rule r, when 1:11: in is followed by a list (as in mode in ["eco", "away"])`},
		{"mode in []", "rule r, when 1:9: the list is empty"},
		{"mode in [1]", "rule r, when 1:6: mode (a text) cannot be in this list"},
		{"mode in [temperature]", "rule r, when 1:10: a list holds only numbers and texts"},
		{"[1, 2]", `rule r, when 1:1: a list stands only after in (as in mode in ["eco", "away"])`},
		{"temperature.inner > 8", "rule r, when 1:13: there is nothing to look into (a metric is written by its bare name)"},
		{"temperature ** 2 > 8", "rule r, when 1:13: the operator ** is not part of the rule language"},
		{`mode matches "e.*"`, "rule r, when 1:6: the operator matches is not part of the rule language"},
		{"door_open ? true : false", "rule r, when 1:24: this is not part of the rule language"},
		{"temperature > nil", "rule r, when 1:15: this is not part of the rule language"},
		{"let x = temperature; x > 8", "rule r, when 1:5: this is not part of the rule language"},
		{"any([1], # > 0)", `rule r, when 1:10: "#" is not expected here`},
		{"temperature > degf(46)", `rule r, when 1:15: unknown function or unit "degf" (did you mean "degF"?)`},
		{"temperature > degFF(46)", `rule r, when 1:15: unknown function or unit "degFF" (did you mean "degF"?)`},
		{"temperature > compressor_w", "rule r, when 1:13: temperature is in Cel and compressor_w in W"},
		{`since(door_open) == avg(compressor_w, "10m")`, `rule r, when 1:18: since(door_open != 0) is in s and avg(compressor_w, "10m") in W`},
		{`temperature > "8"`, `rule r, when 1:15: the text "8" is not a number (write 8 without quotes)`},
		{`temperature == "8"`, `rule r, when 1:13: temperature (a number in Cel) cannot be compared with the text "8" (write 8 without quotes)`},
		{`time_where(door_open, "24h") > "2h"`, `rule r, when 1:32: the text "2h" is not a number (a time is compared in seconds: 7200)`},
		{"mode == eco", `rule r, when 1:9: unknown metric "eco" (write "eco" in quotes if it is a text)`},
		{"eco != mode", `rule r, when 1:1: unknown metric "eco" (write "eco" in quotes if it is a text)`},
		{"now() > 3", `rule r, when 1:1: unknown function or unit "now" (there are abs, anomaly, avg, cohort_z, count, count_where, delta, fault, forecast, max, metric, min, rate, silent, since, starts, stddev, time_where, and units such as degF)`},
		{`falt("E21")`, `rule r, when 1:1: unknown function or unit "falt" (did you mean "fault"?)`},
		{"fault(E21)", `rule r, when 1:1: fault takes one quoted text (write fault("E21"))`},
		{`fault("E21", "E22")`, `rule r, when 1:1: fault takes one quoted text (write fault("E21"))`},
		{`silent("soon")`, `rule r, when 1:8: "soon" is not a duration such as 90s, 10m, 36h or 7d`},
		{`silent("0s")`, "rule r, when 1:8: the duration must be above zero"},
		{`silent("4000d")`, `rule r, when 1:8: "4000d" is longer than ten years`},
		{"abs(temperature, 1) > 2", "rule r, when 1:1: abs takes one number"},
		{"max(temperature) > 2", "rule r, when 1:1: max takes two numbers or more (as in max(a, b))"},
		{"avg(temperature) > 8", `rule r, when 1:1: avg takes two arguments, the second a quoted duration (write avg(temperature, "10m"))`},
		{`avg(temperature, "soon") > 8`, `rule r, when 1:18: "soon" is not a duration such as 90s, 10m, 36h or 7d`},
		{`avg(mode, "10m") > 8`, "rule r, when 1:5: mode (a text) is not a number"},
		{`avg(temperature + 1, "10m") > 8`, "rule r, when 1:17: avg looks at one metric by its name"},
		{`max(temprature, "10m") > 8`, `rule r, when 1:5: unknown metric "temprature" (did you mean "temperature"?)`},
		{"since(door_open, 3) > 8", `rule r, when 1:1: since takes one condition (write since(mode == "defrost"))`},
		{"since(temperature) > 8", "rule r, when 1:7: temperature (a number in Cel) is neither true nor false (compare it, as in temperature > 0)"},
		{"since(since(door_open) > 3) > 8", "rule r, when 1:24: time_where, since, count_where and starts cannot stand in since"},
		{"temperature > kW(2)", "rule r, when 1:15: kW cannot be converted to Cel: one is a power, the other a temperature"},
		{"temperature > degF(humidity)", "rule r, when 1:15: degF takes one number (as in degF(46))"},
		{"temperature + degF(3) > 8", "rule r, when 1:15: degF(3) stands only in a comparison (as in temperature > degF(3))"},
		{"other > degF(3)", "rule r, when 1:9: other has no unit that degF(3) could be converted to"},
		{"degF(3) > degF(4)", "rule r, when 1:1: degF(4) has no unit that degF(3) could be converted to\nrule r, when 1:11: degF(3) has no unit that degF(4) could be converted to"},
		{"count_where(temperature > 8) > 2", "rule r, when 1:1: count_where takes a condition and how many of the latest reports to look at (write count_where(temperature > 8, 5))"},
		{`count_where(temperature > 8, "1h") > 2`, "rule r, when 1:30: count_where looks at a whole number of reports (write count_where(temperature > 8, 5))"},
		{"count_where(temperature > 8, 61) > 2", "rule r, when 1:30: count_where looks at 1 to 60 reports"},
		{"count_where(temperature > 8, 0) > 2", "rule r, when 1:30: count_where looks at 1 to 60 reports"},
		{"count_where(temperature, 5) > 2", "rule r, when 1:13: temperature (a number in Cel) is neither true nor false (compare it, as in temperature > 0)"},
		{"starts(door_open) > 2", `rule r, when 1:1: starts takes two arguments, the second a quoted duration (write starts(compressor_w > 50, "1h"))`},
		{`starts(starts(door_open, "1h") > 2, "1h") > 2`, "rule r, when 1:32: time_where, since, count_where and starts cannot stand in starts"},
		{`time_where(temperature, "10m") > 8`, "rule r, when 1:12: temperature (a number in Cel) is neither true nor false (compare it, as in temperature > 0)"},
		{`time_where(temperature > 8) > 8`, `rule r, when 1:1: time_where takes two arguments, the second a quoted duration (write time_where(temperature > 8, "24h"))`},
		{`time_where(silent("5m"), "24h") > 8`, "rule r, when 1:12: silent cannot stand in time_where, because nothing is observed while it holds"},
		{`time_where(time_where(door_open, "1h") > 3, "24h") > 8`, "rule r, when 1:40: time_where, since, count_where and starts cannot stand in time_where"},
		{`avg(temperature, "30d") > 8`, `rule r, when 1:1: avg(temperature, "720h") looks at more than 16384 readings of model FR-200, which reports every 1m (shorten the window)`},
		{"true", "rule r, when 1:1: the condition looks at nothing that a device says"},
		{"humidty > 3 or temprature > 4", "rule r, when 1:1: unknown metric \"humidty\" (did you mean \"humidity\"?)\nrule r, when 1:16: unknown metric \"temprature\" (did you mean \"temperature\"?)"},
		{strings.Repeat("not ", 201) + "door_open", "rule r, when 1:813: the condition has more than 200 parts (split the rule)"},
		{strings.Repeat("1<", 2000) + "1", "rule r, when 1:136: the condition has more than 200 parts (split the rule)"}, // once took 11 s
		{"temperature > 8" + strings.Repeat(" ", 4096), "rule r, when 1:1: the condition is longer than 4096 bytes"},
	} {
		name := c.condition
		if len(name) > 40 {
			name = name[:40]
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Compile([]Rule{{ID: "r", When: c.condition}}, directoryOf(fridgeID))
			if err == nil {
				t.Fatal("accepted")
			}
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("error is a %T", err)
			}
			if diff := cmp.Diff(c.want, err.Error()); diff != "" {
				t.Errorf("error differs (-want +got):\n%s", diff)
			}
		})
	}
}
