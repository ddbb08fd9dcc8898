package backtest

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/rules"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func warm() rules.Rule {
	return rules.Rule{ID: "warm", Version: 1, When: "temperature > 8", For: 10 * time.Minute, Severity: rules.Major}
}

// minutes writes a file of one reading each minute.
func minutes(device string, values ...float64) []string {
	var lines []string
	for i, v := range values {
		lines = append(lines, fmt.Sprintf("%s,%s,temperature,%v", start.Add(time.Duration(i)*time.Minute).Format(time.RFC3339), device, v))
	}
	return lines
}

func repeat(n int, v float64) []float64 {
	all := make([]float64, n)
	for i := range all {
		all[i] = v
	}
	return all
}

func run(t *testing.T, in Input, lines ...string) Result {
	t.Helper()
	text := "time,device,metric,value\n" + strings.Join(lines, "\n")
	result, err := Run(t.Context(), in, ReadCSV(strings.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestDevicesOfAFileAreEachOthersPeers(t *testing.T) {
	t.Parallel()
	apart := rules.Rule{ID: "apart", Version: 1, When: `cohort_z(temperature, "1h") > 3`}
	var lines []string
	for n := range 10 {
		values := repeat(120, 4+float64(n)/10)
		if n == 7 {
			values = append(repeat(60, 4.7), repeat(60, 9)...)
		}
		lines = append(lines, minutes(fmt.Sprintf("f%d", n), values...)...)
	}
	got := run(t, Input{Rules: []rules.Rule{apart}}, lines...)
	if len(got.Alarms) != 1 || got.Alarms[0].Device != "f7" || !got.Alarms[0].RaisedAt.Equal(start.Add(time.Hour)) {
		t.Errorf("alarms %+v", got.Alarms)
	}
}

func TestWhatIsUsualIsLearntFromTheFile(t *testing.T) {
	t.Parallel()
	odd := rules.Rule{ID: "odd", Version: 1, When: "anomaly(temperature) > 0.9"}
	random := rand.New(rand.NewPCG(1, 2))
	values := make([]float64, 5*1440)
	for i := range values {
		values[i] = 4 + 0.5*random.NormFloat64()
		if i >= len(values)-120 {
			values[i] += 4 // two hours before the end
		}
	}
	got := run(t, Input{Rules: []rules.Rule{odd}}, minutes("f1", values...)...)
	began := start.Add(time.Duration(len(values)-120) * time.Minute)
	if len(got.Alarms) != 1 || got.Alarms[0].RaisedAt.Before(began) || got.Alarms[0].RaisedAt.After(began.Add(time.Hour)) {
		t.Errorf("alarms %+v, want one within an hour of %s", got.Alarms, began)
	}
}

func TestAFileAloneIsEnough(t *testing.T) {
	t.Parallel()
	values := append(append(repeat(5, 4), repeat(12, 9)...), repeat(3, 4)...)
	got := run(t, Input{Rules: []rules.Rule{warm()}}, minutes("f1", values...)...)
	cleared := start.Add(17 * time.Minute)
	want := Result{
		Alarms: []Alarm{{
			RuleID: "warm", RuleVersion: 1, Device: "f1", Severity: "major", PendingSince: start.Add(5 * time.Minute),
			RaisedAt: start.Add(15 * time.Minute), ClearedAt: &cleared, Occurrences: 12, Values: map[string]any{"temperature": 9.0},
			Explanation: []string{
				"temperature 9 > 8 since 00:05:00 UTC, held for 10 min (rule warm v1)",
				"temperature 4 <= 8 at 00:17:00 UTC",
			},
		}},
		Readings: 20, Devices: 1, From: start, To: start.Add(19 * time.Minute),
		Assumed: []string{"No model is declared: all rules apply to all 1 devices, and no value goes stale."},
		Figures: Figures{Alarms: 1, Tickets: 1, Devices: 1, Minutes: 2}, // of 19 minutes: too few to speak of weeks
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("result differs (-want +got):\n%s", diff)
	}
}

func TestTheOrderOfTheFileDoesNotMatter(t *testing.T) {
	t.Parallel()
	lines := append(minutes("a", append(repeat(15, 9), repeat(15, 4)...)...), minutes("b", append(repeat(3, 4), repeat(27, 9)...)...)...)
	want := run(t, Input{Rules: []rules.Rule{warm()}}, lines...)
	if len(want.Alarms) != 2 {
		t.Fatalf("%d alarms", len(want.Alarms))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		random.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		got := run(t, Input{Rules: []rules.Rule{warm()}}, lines...)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("shuffled file differs (-want +got):\n%s", diff)
		}
	}
	twice := run(t, Input{Rules: []rules.Rule{warm()}}, append(lines, lines...)...)
	if diff := cmp.Diff(want.Alarms, twice.Alarms); diff != "" || twice.Duplicates != 60 {
		t.Errorf("doubled file: %d duplicates, differs (-want +got):\n%s", twice.Duplicates, diff)
	}
}

func TestWithoutAnAlarmTheListIsEmptyAndNotNull(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(run(t, Input{Rules: []rules.Rule{warm()}}))
	if err != nil || !strings.HasPrefix(string(text), `{"alarms":[],`) {
		t.Errorf("%s, %v", text, err)
	}
}

func TestDeclaredModelsGoBeforeGuesses(t *testing.T) {
	t.Parallel()
	fridge := &devices.Model{ID: "FR-200", ReportEvery: time.Minute, Metrics: map[string]devices.Metric{"temperature": {Unit: "Cel"}}}
	meter := &devices.Model{ID: "PM-1", Metrics: map[string]devices.Metric{"power": {Unit: "W"}}}
	rule := warm()
	rule.AppliesTo.Models = []string{"FR-*"}
	in := Input{Rules: []rules.Rule{rule}, Models: []*devices.Model{meter, fridge}}
	lines := append(minutes("f1", repeat(12, 9)...), "2026-01-01T00:00:00Z,m1,power,5", "2026-01-01T00:00:00Z,x1,pressure,5")
	got := run(t, in, lines...)
	if len(got.Alarms) != 1 || got.Alarms[0].Device != "f1" {
		t.Errorf("alarms %+v", got.Alarms)
	}
	want := []string{
		"Device f1 is not declared and taken for a FR-200.",
		"Device m1 is not declared and taken for a PM-1.",
		"Device x1 is left out: no declared model measures what it did.",
	}
	if diff := cmp.Diff(want, got.Assumed); diff != "" {
		t.Errorf("assumed differs (-want +got):\n%s", diff)
	}
}

func TestSilenceFaultsAndBoundsArePlayedToo(t *testing.T) {
	t.Parallel()
	in := Input{
		Rules: []rules.Rule{
			{ID: "quiet", When: `silent("15m")`},
			{ID: "fan", When: `fault("E21")`},
		},
		From: start.Add(2 * time.Minute), To: start.Add(time.Hour),
	}
	lines := append(minutes("f1", repeat(10, 4)...),
		"2026-01-01T00:01:00Z,f1,faults,E21",
		"2026-01-01T00:03:00Z,f1,faults,E21+E9",
		"2026-01-01T00:05:00Z,f1,faults,none",
		"2026-01-01T02:00:00Z,f1,temperature,4")
	var got []string
	for _, a := range run(t, in, lines...).Alarms {
		got = append(got, fmt.Sprintf("%s %s %v", a.RuleID, a.RaisedAt.Sub(start), a.ClearedAt == nil))
	}
	if diff := cmp.Diff([]string{"fan 3m0s false", "quiet 24m0s true"}, got); diff != "" {
		t.Errorf("alarms differ (-want +got):\n%s", diff)
	}
}

func TestAnInvalidRuleOrAnEndedContextStopsTheRun(t *testing.T) {
	t.Parallel()
	var syntax *rules.SyntaxError
	_, err := Run(t.Context(), Input{Rules: []rules.Rule{{ID: "x", When: "temperature >"}}}, ReadCSV(strings.NewReader("time,device,metric,value\n")))
	if !errors.As(err, &syntax) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Run(ctx, Input{Rules: []rules.Rule{warm()}}, func(yield func(Reading, error) bool) {
		for i := range 3 * checkEvery {
			if !yield(Reading{Device: "a", Metric: "temperature", At: start.Add(time.Duration(i) * time.Second)}, nil) {
				return
			}
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// sharedData finds the data that nobody on the team wrote.
func sharedData(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = parent
	}
	path := filepath.Join(dir, "..", "shared", "data", name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the shared data is missing: %v", err)
	}
	return path
}

// machine reads the temperatures of a machine that failed, from NAB.
func machine(t testing.TB) (times []time.Time, values []float64) {
	t.Helper()
	content, err := os.ReadFile(sharedData(t, "nab/machine_temperature_system_failure.csv"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		at, err := time.Parse(time.DateTime, row[0])
		if err != nil {
			t.Fatal(err)
		}
		v, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		times, values = append(times, at), append(values, v)
	}
	return times, values
}

// The file has a few instants twice (a clock that was put back), which an
// independent count must leave out as the engine does.
func TestMachineTemperatureHasOneAlarmForEachEpisode(t *testing.T) {
	t.Parallel()
	times, values := machine(t)
	var file strings.Builder
	file.WriteString("time,device,metric,value\n")
	for i := range times {
		fmt.Fprintf(&file, "%s,machine-1,temperature,%v\n", times[i].Format(time.RFC3339), values[i])
	}
	for _, c := range []struct {
		limit float64
		hold  time.Duration
	}{{95, 0}, {100, 0}, {95, 30 * time.Minute}, {100, time.Hour}} {
		t.Run(fmt.Sprintf("above %v for %s", c.limit, c.hold), func(t *testing.T) {
			t.Parallel()
			rule := rules.Rule{ID: "hot", When: fmt.Sprintf("temperature > %v", c.limit), For: c.hold}
			result, err := Run(t.Context(), Input{Rules: []rules.Rule{rule}}, ReadCSV(strings.NewReader(file.String())))
			if err != nil {
				t.Fatal(err)
			}
			var got [][2]time.Time
			for _, a := range result.Alarms {
				pair := [2]time.Time{a.RaisedAt}
				if a.ClearedAt != nil {
					pair[1] = *a.ClearedAt
				}
				got = append(got, pair)
			}
			want := episodes(times, values, c.limit, c.hold)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("episodes differ (-want +got):\n%s", diff)
			}
			if len(want) < 5 {
				t.Errorf("only %d episodes: the test shows nothing", len(want))
			}
		})
	}
}

// episodes counts by the plain rule: raised at the first reading at which the
// value has been above the limit for long enough, ended by the first that is not.
func episodes(times []time.Time, values []float64, limit float64, hold time.Duration) [][2]time.Time {
	var all [][2]time.Time
	var since, last time.Time
	above, alarmed := false, false
	for _, i := range byTime(times) {
		if times[i].Equal(last) {
			continue
		}
		last = times[i]
		if values[i] <= limit {
			if alarmed {
				all[len(all)-1][1] = times[i]
			}
			above, alarmed = false, false
			continue
		}
		if !above {
			above, since = true, times[i]
		}
		if !alarmed && times[i].Sub(since) >= hold {
			alarmed = true
			all = append(all, [2]time.Time{times[i]})
		}
	}
	return all
}

// byTime returns the indexes in order of time, equal times as they stand.
func byTime(times []time.Time) []int {
	order := make([]int, 0, len(times))
	for i := range times {
		at := len(order)
		for at > 0 && times[order[at-1]].After(times[i]) {
			at--
		}
		order = append(order, 0)
		copy(order[at+1:], order[at:])
		order[at] = i
	}
	return order
}
