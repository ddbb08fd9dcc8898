package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/internal/access"
)

const jobsPath = "/api/v1/backtests"

// gatedArchive reads on when it is told to.
type gatedArchive struct {
	history.Archive

	open   chan struct{} // a token for each walk; closed: all
	broken error
}

func (a *gatedArchive) Walk(ctx context.Context, device devices.ID, from, to time.Time, f func([]devices.Report) error) error {
	select {
	case <-a.open:
	case <-ctx.Done():
		return ctx.Err()
	}
	if a.broken != nil {
		return a.broken
	}
	return a.Archive.Walk(ctx, device, from, to, f)
}

// gated makes the console's archive wait. Nothing may have asked it yet.
func (r *rig) gated() *gatedArchive {
	g := &gatedArchive{Archive: r.server.deps.Archive, open: make(chan struct{}, 100)}
	r.server.deps.Archive = g
	return g
}

// warmDay records a day of fridge-1 in which it is warm for ten minutes at
// eight, ten and twenty.
func (r *rig) warmDay() {
	r.t.Helper()
	celsius := make([]float64, 24*60)
	for minute := range celsius {
		celsius[minute] = 5
		if hour := minute / 60; (hour == 8 || hour == 10 || hour == 20) && minute%60 < 10 {
			celsius[minute] = 8.5 + float64(hour)/20
		}
	}
	r.minutes(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), celsius...)
}

const warmDayJob = `{"rules": "kind: Rule\nid: warm\nwhen: temperature > 8\nfor: 2m\n",
	"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"}`

// startJob asks for a backtest as a role and returns its id.
func (r *rig) startJob(role access.Role, body string) string {
	r.t.Helper()
	a := r.do(role, "POST", jobsPath, body)
	if a.status != 202 {
		r.t.Fatalf("status %d: %s", a.status, a.body)
	}
	id, _ := a.json()["id"].(string)
	if a.header.Get("Location") != jobsPath+"/"+id {
		r.t.Errorf("location %q of %s", a.header.Get("Location"), id)
	}
	return id
}

// awaitJob polls until the job is as it should be, and returns it.
func (r *rig) awaitJob(id, what string, is func(job map[string]any) bool) map[string]any {
	r.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var job map[string]any
	for deadline := time.After(time.Minute); ; {
		job = r.admin(200, "GET", jobsPath+"/"+id, "").json()
		if is(job) {
			return job
		}
		select {
		case <-tick.C:
		case <-deadline:
			r.t.Fatalf("the job never came to %s: %v", what, job)
		}
	}
}

func inState(state jobState) func(map[string]any) bool {
	return func(job map[string]any) bool { return job["state"] == string(state) }
}

func TestABacktestIsAskedForAndAnsweredLater(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.warmDay()
	id := r.startJob(access.Quality, strings.Replace(warmDayJob, "{", `{"against": "live", "sweep": "temperature > 8..9.6 step 0.4",`, 1))
	job := r.awaitJob(id, "its end", inState(jobDone))
	result := job["result"].(map[string]any)
	if n := len(result["alarms"].([]any)); n != 3 || fmt.Sprint(result["readings"]) != "1440" {
		t.Errorf("%d alarms: %v", n, result)
	}
	if comparison := result["comparison"].(map[string]any); fmt.Sprintf("%v %v", comparison["same"], comparison["later"]) != "3 3" {
		t.Errorf("comparison %v", comparison)
	}
	var tickets []string
	for _, step := range result["sweep"].([]any) {
		tickets = append(tickets, fmt.Sprint(step.(map[string]any)["figures"].(map[string]any)["tickets"]))
	}
	if got := strings.Join(tickets, " "); got != "3 3 3 1 0" {
		t.Errorf("tickets of the sweep: %s", got)
	}
	if job["requested_by"] != "token:quality" || job["error"] != "" || job["started_at"] == nil || job["kept_until"] == nil {
		t.Errorf("job %v", job)
	}
	if progress := job["progress"].(map[string]any); fmt.Sprintf("%v of %v, %v", progress["readings"], progress["estimated"], progress["share"]) != "1440 of 1440, 1" {
		t.Errorf("progress %v", progress)
	}
	list := r.admin(200, "GET", jobsPath, "").json()["items"].([]any)
	if len(list) != 1 || list[0].(map[string]any)["result"] != nil {
		t.Errorf("list %v", list)
	}
	r.noRulesLeft()
}

func TestAJobSaysHowFarItIsAndIsCancelled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.warmDay()
	gate := r.gated()
	first, second := r.startJob(access.Support, warmDayJob), r.startJob(access.Support, warmDayJob)
	r.awaitJob(first, "its beginning", inState(jobRunning))
	waiting := r.admin(200, "GET", jobsPath+"/"+second, "").json()
	if waiting["state"] != string(jobQueued) || fmt.Sprint(waiting["ahead"]) != "1" || waiting["started_at"] != nil {
		t.Errorf("the second is %v", waiting)
	}
	gate.open <- struct{}{} // an hour
	gate.open <- struct{}{} // and eight more
	job := r.awaitJob(first, "nine hours of twenty-four", func(job map[string]any) bool {
		share, _ := job["progress"].(map[string]any)["share"].(json.Number).Float64()
		return share > 0.3
	})
	if progress := job["progress"].(map[string]any); fmt.Sprint(progress["readings"]) != "540" || job["result"] != nil {
		t.Errorf("progress %v", progress)
	}

	if detail := r.do(access.Quality, "DELETE", jobsPath+"/"+first, "").problem(403); !strings.Contains(detail, "token:support") {
		t.Errorf("problem %q", detail)
	}
	r.do(access.Viewer, "DELETE", jobsPath+"/"+first, "").problem(403)
	if a := r.do(access.Support, "DELETE", jobsPath+"/"+first, ""); a.status != 200 || a.json()["state"] != string(jobCancelled) {
		t.Errorf("status %d: %s", a.status, a.body)
	}
	r.awaitJob(second, "its turn", inState(jobRunning)) // the first has let go
	if got := r.admin(200, "DELETE", jobsPath+"/"+second, "").json(); got["state"] != string(jobCancelled) || got["result"] != nil {
		t.Errorf("an admin cancels: %v", got)
	}
	if got := r.admin(200, "DELETE", jobsPath+"/"+first, "").json(); got["state"] != string(jobCancelled) {
		t.Errorf("cancelled again: %v", got)
	}
}

func TestAQueuedJobIsCancelledWithoutRunning(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	free, err := r.server.turn(t.Context()) // somebody waits for a backtest
	r.must(err)
	first, second := r.startJob(access.Admin, warmDayJob), r.startJob(access.Admin, warmDayJob)
	r.admin(200, "DELETE", jobsPath+"/"+first, "")
	free()
	r.awaitJob(second, "its end", inState(jobDone))
	if job := r.admin(200, "GET", jobsPath+"/"+first, "").json(); job["state"] != string(jobCancelled) || job["started_at"] != nil {
		t.Errorf("job %v", job)
	}
}

func TestOnlySoManyBacktestsWait(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	free, err := r.server.turn(t.Context())
	r.must(err)
	defer free()
	for range backtestQueue {
		r.startJob(access.Admin, warmDayJob)
	}
	if detail := r.do(access.Admin, "POST", jobsPath, warmDayJob).problem(503); !strings.Contains(detail, "wait already") {
		t.Errorf("problem %q", detail)
	}
}

func TestAJobThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	gate := r.gated()
	gate.broken = errors.New("the disk is gone")
	close(gate.open)
	job := r.awaitJob(r.startJob(access.Admin, warmDayJob), "its end", inState(jobFailed))
	if job["error"] != internalSentence || job["result"] != nil {
		t.Errorf("job %v", job)
	}
	csv := `{"rules": "kind: Rule\nid: warm\nwhen: temperature > 8\n", "readings": "time,device,metric,value\nsoon,a,temperature,5\n"}`
	job = r.awaitJob(r.startJob(access.Admin, csv), "its end", inState(jobFailed))
	if text, _ := job["error"].(string); !strings.Contains(text, "line 2") || !strings.Contains(text, "is not a time") {
		t.Errorf("error %q", text)
	}
}

func TestWhatIsWrongWithABacktestIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	body := func(rules, rest string) string {
		text, err := json.Marshal(rules)
		r.must(err)
		return `{"rules": ` + string(text) + rest + `}`
	}
	const day = `, "from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"`
	for name, c := range map[string]struct{ body, want string }{
		"no rules":                {body("", day), "rules"},
		"no YAML":                 {body("kind: [", day), "rules:1"},
		"a misspelt metric":       {body("kind: Rule\nid: warm\nwhen: temperture > 8\n", day), "rules:3:7"},
		"a half condition":        {body("kind: Rule\nid: warm\nwhen: temperature >\n", day), "rules:3"},
		"more than rules":         {body("kind: Customer\nid: C\nname: N\n", day), "must hold rules"},
		"no time":                 {body(trial, ""), "from and to are needed"},
		"an end before its begin": {body(trial, `, "from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"`), "must be before to"},
		"a strange device":        {body(trial, day+`, "devices": ["nobody"]`), "does not exist"},
		"devices and readings":    {body(trial, day+`, "devices": ["fridge-1"], "readings": "time,device,metric,value\n"`), "either"},
		"a sweep of nothing":      {body(trial, day+`, "sweep": "temperature > 8"`), "sweep"},
		"a sweep of no place":     {body(trial, day+`, "sweep": "pressure > 1..2"`), "no condition compares"},
		"against nothing":         {body(trial, day+`, "against_rule": "nothing"`), "does not exist"},
		"against two":             {body(trial, day+`, "against": "live", "against_rule": "warm"`), "exclude each other"},
		"nothing to watch":        {body(trial+"applies_to: {models: [\"ZZ-*\"]}\n", day), "watch no device"},
		"a stranger":              {`{"rules": "x", "nonsense": 1}`, "nonsense"},
	} {
		if detail := r.do(access.Admin, "POST", jobsPath, c.body).problem(422); !strings.Contains(detail, c.want) {
			t.Errorf("%s: %q, want %q", name, detail, c.want)
		}
	}
	r.do(access.Viewer, "POST", jobsPath, warmDayJob).problem(403)
	r.do(access.Viewer, "GET", jobsPath, "").problem(403)
	r.do(access.Admin, "GET", jobsPath+"/bt-unknown", "").problem(404)
	r.do(access.Admin, "DELETE", jobsPath+"/bt-unknown", "").problem(404)
	if jobs := r.admin(200, "GET", jobsPath, "").json()["items"].([]any); len(jobs) != 0 {
		t.Errorf("what was refused is there: %v", jobs)
	}
}
