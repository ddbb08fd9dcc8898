package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"telltale/rules/backtest"
)

// backtestFiles writes a rule, another wording of it and an hour of readings
// with one breach.
func backtestFiles(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	csv := "time,device,metric,value\n"
	for minute := range 60 {
		value := 5.0
		if minute >= 20 && minute < 40 {
			value = 9.5
		}
		csv += fmt.Sprintf("2026-03-01T08:%02d:00Z,fridge-1,temperature,%v\n", minute, value)
	}
	for name, text := range map[string]string{
		"rule.yaml":    "kind: Model\nid: FR\nmetrics: {temperature: {unit: Cel}}\nreport_every: 1m\n---\nkind: Rule\nid: warm\nwhen: temperature > 8\nfor: 5m\n",
		"before.yaml":  "kind: Rule\nid: warm\nwhen: temperature > 8\nfor: 10m\n",
		"readings.csv": csv,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestABacktestComparesAndSweeps(t *testing.T) {
	t.Parallel()
	folder := backtestFiles(t)
	in := func(name string) string { return filepath.Join(folder, name) }
	var out, errs bytes.Buffer
	io := &console{out: &out, err: &errs, env: func(string) (string, bool) { return "", false }}
	args := []string{"rules", "backtest", "--rules", in("rule.yaml"), "--readings", in("readings.csv"),
		"--against", in("before.yaml"), "--sweep", "temperature > 8..10 step 1"}
	if code := run(t.Context(), args, io); code != exitDone || errs.Len() > 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	want := `CHANGE  RAISED                CLEARED               BEFORE         RULE  DEVICE
same    2026-03-01T08:25:00Z  2026-03-01T08:40:00Z  5 min earlier  warm  fridge-1
Device fridge-1 is not declared and taken for a FR.
1 alarm from 60 readings of 1 device
1 ticket, 1 device concerned, 15 minutes in alarm
compared with before.yaml: 0 new, 0 gone, 1 the same (1 earlier, 0 later)
before.yaml: 1 ticket, 1 device concerned, 10 minutes in alarm
8 °C: 1 ticket, 1 device concerned, 15 minutes in alarm
9 °C: 1 ticket, 1 device concerned, 15 minutes in alarm
10 °C: 0 tickets, 0 devices concerned, 0 minutes in alarm
`
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}

	out.Reset()
	if code := run(t.Context(), append(args, "--json"), io); code != exitDone {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	var result backtest.Result
	if err := json.Unmarshal(out.Bytes(), &result); err != nil || len(result.Sweep) != 3 || result.Comparison.Earlier != 1 {
		t.Errorf("JSON %v: %s", err, out.String())
	}
}

func TestABacktestSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	folder := backtestFiles(t)
	in := func(name string) string { return filepath.Join(folder, name) }
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"a sweep of nothing":    {[]string{"--sweep", "temperature > 8"}, "--sweep: a sweep is the condition with a range"},
		"a sweep of no place":   {[]string{"--sweep", "pressure > 1..2"}, `no condition compares a number with "pressure >"`},
		"live without any":      {[]string{"--against", "live"}, "--against live needs the rules in force"},
		"against a missing one": {[]string{"--against", in("nothing.yaml")}, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errs bytes.Buffer
			io := &console{out: &out, err: &errs, env: func(string) (string, bool) { return "", false }}
			args := append([]string{"rules", "backtest", "--rules", in("rule.yaml"), "--readings", in("readings.csv")}, c.args...)
			if code := run(t.Context(), args, io); code != exitInvalid || !strings.Contains(errs.String(), c.want) {
				t.Errorf("exit %d, %q, want %q", code, errs.String(), c.want)
			}
		})
	}
}

func TestTheMeterSaysHowManyOfAboutHowMany(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		progress backtest.Progress
		total    int64
		want     string
	}{
		{backtest.Progress{Read: 500}, 2000, "[#######.......................]  25%  500 of about 2000 readings read, 250/s"},
		{backtest.Progress{Read: 2000, Played: 2000}, 2000, "[##############################] 100%  2000 of about 2000 readings played, 1000/s"},
		{backtest.Progress{Read: 500, Played: 100}, 0, "100 readings played, 50/s"},
	} {
		if got := meterText(c.progress, c.total, 2*time.Second); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
	var piped bytes.Buffer
	m := newMeter(&piped)
	m.show(backtest.Progress{Read: 1})
	m.end()
	if piped.Len() > 0 {
		t.Errorf("a pipe got %q", piped.String())
	}
}

func TestABacktestOfTheHistoryPlaysTheLastDayUnlessTold(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 8, 0, 0, 500, time.UTC)
	day := func(n int) time.Time { return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		name  string
		given rulesBacktestCmd
		want  string
	}{
		{"nothing is said", rulesBacktestCmd{}, "Played from 2026-03-01T08:00:00Z to 2026-03-02T08:00:00Z; --from and --to choose another stretch."},
		{"only the end", rulesBacktestCmd{To: day(2)}, "Played from 2026-03-01T00:00:00Z to 2026-03-02T00:00:00Z; --from and --to choose another stretch."},
		{"only the beginning", rulesBacktestCmd{From: day(1)}, "Played from 2026-03-01T00:00:00Z to 2026-03-02T08:00:00Z; --from and --to choose another stretch."},
		{"both", rulesBacktestCmd{From: day(1), To: day(2)}, ""},
		{"a file is played whole", rulesBacktestCmd{Readings: "r.csv"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := c.given.bound(now)
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if c.given.Readings != "" && !(c.given.From.IsZero() && c.given.To.IsZero()) {
				t.Error("a file is cut")
			}
		})
	}
}
