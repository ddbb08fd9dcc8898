package console

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/ingest/loggerfile"
	"telltale/internal/access"
	"telltale/internal/views"
)

// imported stands for the pipeline: it takes what can be read.
type imported struct{}

func (*imported) ImportReadings(_ context.Context, part views.ReadingsImport) (views.ImportResult, error) {
	var result views.ImportResult
	for _, v := range part.Entries {
		switch e, err := v.Entry(); {
		case err != nil:
			result.Rejected = append(result.Rejected, views.Rejection{Line: v.Line, Detail: err.Error()})
		case e.Alarm != nil:
			result.Alarms++
		default:
			result.Readings++
		}
	}
	return result, nil
}

func TestImportOfReadings(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	file := `"file":"` + strings.Repeat("ab", 32) + `","name":"x.csv"`
	got := r.admin(http.StatusOK, "POST", "/api/v1/readings/import", `{`+file+`,"entries":[
		{"line":2,"device":"fridge-1","time":"2026-03-01T12:00:00Z","metric":"temperature","value":4.5},
		{"line":3,"device":"fridge-1","time":"2026-03-01T12:00:00Z","metric":"door","value":true},
		{"line":4,"device":"fridge-1","time":"2026-03-01T12:00:00Z","metric":"mode","value":""},
		{"line":5,"device":"fridge-1","metric":"mode","value":"x"},
		{"line":6,"device":"fridge-1","time":"2026-03-01T12:00:00Z","metric":"list","value":[1]},
		{"line":7,"device":"fridge-1","alarm":{"from":"2026-03-01T00:00:00Z","until":"2026-03-02T00:00:00Z","kind":"above","limit":8,"allowed_seconds":36000,"total_seconds":86400,"text":"t Acc"}},
		{"line":8,"device":"fridge-1","alarm":{"from":"2026-03-01T00:00:00Z","until":"2026-03-01T00:00:00Z","kind":"above","limit":8,"allowed_seconds":0,"total_seconds":1,"text":""}}
	]}`).body
	want := `{"readings":2,"alarms":1,"rejected":[` +
		`{"line":4,"detail":"value must be a number, true, false or a text of 1 to 64 bytes"},` +
		`{"line":5,"detail":"a reading needs a time and a metric"},` +
		`{"line":6,"detail":"value must be a number, true, false or a text of 1 to 64 bytes"},` +
		`{"line":8,"detail":"the alarm must end after it begins"}]}`
	if diff := cmp.Diff(want, strings.TrimSpace(string(got))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, body := range map[string]string{
		"no hash":        `{"file":"ab","name":"","entries":[]}`,
		"an unknown key": `{` + file + `,"entries":[{"line":2,"device":"a","colour":"red"}]}`,
		"line 0":         `{` + file + `,"entries":[{"line":0,"device":"a"}]}`,
		"an alarm of no kind": `{` + file + `,"entries":[{"line":1,"device":"a","alarm":{"from":"2026-03-01T00:00:00Z",` +
			`"until":"2026-03-02T00:00:00Z","kind":"loud","limit":8,"allowed_seconds":0,"total_seconds":1,"text":""}}]}`,
	} {
		if a := r.do(access.Admin, "POST", "/api/v1/readings/import", body); a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: status %d: %s", name, a.status, a.body)
		}
	}
}

func TestWhatALoggerNotedIsShown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	var alarms []views.LoggerAlarm
	for i := range shownLoggerAlarms + 2 {
		alarms = append(alarms, views.LoggerAlarm{
			Alarm: loggerfile.Alarm{
				From: day.AddDate(0, 0, i), Until: day.AddDate(0, 0, i+1), Kind: "above", Limit: 8,
				Allowed: 10 * time.Hour, Total: 16 * time.Hour, RaisedAt: day.AddDate(0, 0, i), Text: "t Acc: 960",
			},
			Device: "fridge-1", File: strings.Repeat("ab", 32), Name: "export.txt", Line: 40 + i, ImportedAt: day,
		})
	}
	r.must(r.db.KeepLoggerAlarms(t.Context(), alarms))

	a := r.admin(http.StatusOK, "GET", "/api/v1/devices/fridge-1/logger-alarms", "")
	items, _ := a.json()["items"].([]any)
	first, _ := items[0].(map[string]any)
	if len(items) != len(alarms) || first["from"] != "2026-03-12T00:00:00Z" || first["kind"] != "above" || first["name"] != "export.txt" {
		t.Errorf("%d items, the first %v", len(items), first)
	}
	r.admin(http.StatusNotFound, "GET", "/api/v1/devices/nobody/logger-alarms", "")

	page := said(r.visit(r.as("anna"), http.StatusOK, "/devices/fridge-1"))
	for _, text := range []string{"Noted by the logger itself", "export.txt, line 51", "2 earlier ones are in the API"} {
		if !strings.Contains(page, text) {
			t.Errorf("the page does not say %q:\n%s", text, page)
		}
	}
	if strings.Contains(said(r.visit(r.as("anna"), http.StatusOK, "/devices/fridge-2")), "Noted by the logger") {
		t.Error("a device without a file has noted something")
	}
}
