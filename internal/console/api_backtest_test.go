package console

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/internal/access"
	"telltale/internal/postgres"
)

const trial = "kind: Rule\nid: trial\nwhen: temperature > 8\nfor: 2m\n"

func TestABacktestOnAFileSaysWhatWouldHaveBeenRaised(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	csv := "time,device,metric,value\n"
	for minute, celsius := range []float64{5, 9, 9, 9, 9, 5, 5} {
		csv += fmt.Sprintf("2026-03-01T08:%02d:00Z,anything,temperature,%v\n", minute, celsius)
	}
	body, err := json.Marshal(map[string]string{"rules": trial, "readings": csv})
	r.must(err)
	a := r.do(access.Support, "POST", "/api/v1/rules/backtest", string(body))
	if a.status != 200 {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	alarms := a.json()["alarms"].([]any)
	if len(alarms) != 1 {
		t.Fatalf("alarms %v, want one", alarms)
	}
	alarm := alarms[0].(map[string]any)
	if alarm["rule_id"] != "trial" || alarm["raised_at"] != "2026-03-01T08:03:00Z" || alarm["cleared_at"] != "2026-03-01T08:05:00Z" {
		t.Errorf("alarm %v", alarm)
	}
	r.noRulesLeft()
}

// noRulesLeft fails the test when there are other rules than the fixture's one.
func (r *rig) noRulesLeft() {
	r.t.Helper()
	if got := r.admin(200, "GET", "/api/v1/rules", "").ids(); len(got) != 1 {
		r.t.Errorf("the backtest left rules behind: %v", got)
	}
}

func TestABacktestOnTheHistoryOfDevices(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.minutes(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), 5, 9, 9, 9, 9, 5, 5)
	body := `{"rules": "kind: Rule\nid: trial\nwhen: temperature > 8\nfor: 2m\n", "devices": ["fridge-1"],
		"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"}`
	result := r.admin(200, "POST", "/api/v1/rules/backtest", body).json()
	if alarms := result["alarms"].([]any); len(alarms) != 1 || fmt.Sprint(result["readings"]) != "7" {
		t.Errorf("result %v", result)
	}

	readings := "/api/v1/devices/fridge-1/readings?metric=temperature&from=2026-03-01T08:00:00Z&to=2026-03-01T09:00:00Z"
	if n := len(r.admin(200, "GET", readings, "").ids()); n != 7 {
		t.Errorf("%d readings, want 7", n)
	}
	bucket := r.admin(200, "GET", readings+"&step=1h", "").json()["items"].([]any)[0]
	if got, want := fmt.Sprint(bucket), "map[avg:7.285714285714286 max:9 min:5 n:7 t:2026-03-01T08:00:00Z]"; got != want {
		t.Errorf("bucket %s, want %s", got, want)
	}
}

// minutes writes temperatures of fridge-1 into the history, one a minute.
func (r *rig) minutes(start time.Time, celsius ...float64) {
	r.t.Helper()
	reports := make([]devices.Report, len(celsius))
	for minute, value := range celsius {
		at := start.Add(time.Duration(minute) * time.Minute)
		reports[minute] = devices.Report{Device: "fridge-1", ObservedAt: at, ReceivedAt: at,
			Readings: []devices.Reading{{Metric: "temperature", Value: devices.Number(value)}}}
	}
	epoch, ok, err := r.db.AcquireLease(r.t.Context(), history.Consumer, 0, "test", time.Minute)
	if err != nil || !ok {
		r.t.Fatalf("lease: %v, %v", ok, err)
	}
	_, err = postgres.NewHistory(r.db).Write(r.t.Context(), []history.Chunk{{Partition: 0, Epoch: epoch, Seq: 1, Reports: reports}})
	r.must(err)
}

func TestABacktestComparesWithWhatIsLiveAndSweeps(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.minutes(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), 5, 7.5, 8.5, 8.5, 8.5, 7.5, 5)
	ask := func(sweep string) string {
		return `{"rules": "kind: Rule\nid: warm\nwhen: temperature > 7\n", "devices": ["fridge-1"], "against": "live", "sweep": "` + sweep + `",
			"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"}`
	}
	result := r.admin(200, "POST", "/api/v1/rules/backtest", ask("temperature > 7..9 step 1")).json()
	comparison := result["comparison"].(map[string]any)
	if got := fmt.Sprintf("%v %v %v %v", comparison["same"], comparison["earlier"], comparison["new"], comparison["with"]); got != "1 1 0 what is live" {
		t.Errorf("comparison %v", comparison)
	}
	var tickets []string
	for _, step := range result["sweep"].([]any) {
		step := step.(map[string]any)
		tickets = append(tickets, fmt.Sprint(step["text"], step["unit"], ": ", step["figures"].(map[string]any)["tickets"]))
	}
	if got := strings.Join(tickets, ", "); got != "7Cel: 1, 8Cel: 1, 9Cel: 0" {
		t.Errorf("sweep %s", got)
	}
	if detail := r.admin(422, "POST", "/api/v1/rules/backtest", ask("temperature > 9..7")).problem(422); !strings.Contains(detail, "rises") {
		t.Errorf("problem %q", detail)
	}
	if detail := r.admin(422, "POST", "/api/v1/rules/backtest", ask("pressure > 1..2")).problem(422); !strings.Contains(detail, "pressure") {
		t.Errorf("problem %q", detail)
	}
}
