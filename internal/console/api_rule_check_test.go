package console

import (
	"fmt"
	"strings"
	"testing"

	"telltale/internal/access"
)

// check posts a text to the check of rules.
func (r *rig) check(want int, text, query string) answer {
	r.t.Helper()
	return r.admin(want, "POST", "/api/v1/rules/check"+query, text, "Content-Type", "application/yaml")
}

func TestACheckSaysAllThatIsWrongAndStoresNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	found := r.check(200, "kind: Rule\nid: warm\nwhen: temprature > 8\nfor: soon\n", "?id=warm").json()
	if found["valid"] != false || fmt.Sprint(found["plan"]) != "<nil>" {
		t.Errorf("%v", found)
	}
	errors := found["errors"].([]any)
	first, second := errors[0].(map[string]any), errors[1].(map[string]any)
	if len(errors) != 2 || fmt.Sprintf("%v:%v %v %v", first["line"], first["column"], first["field"], first["hint"]) != `3:7 when did you mean "temperature"?` ||
		fmt.Sprintf("%v:%v %v", second["line"], second["column"], second["field"]) != "4:6 for" {
		t.Errorf("errors %v", errors)
	}

	const good = `kind: Rule
id: warm
title: Compartment too warm
when: temperature > 9
severity: major
inhibited_by: [power]
tests:
  - name: power holds it back
    devices:
      - {id: a, model: FR-200, series: {temperature: "4x3 12x10"}}
    expect: [{at: 4m, device: a, state: active}, {at: 4m, device: a, alarm: power, state: none}]
  - name: it is hot
    device: {id: b, model: FR-200}
    series: {temperature: "4x3 12x10"}
    raised: 2
`
	r.apply("kind: Rule\nid: power\nwhen: temperature > 70\n")
	found = r.check(200, good, "").json()
	tests := found["tests"].(map[string]any)
	if found["valid"] != true || fmt.Sprintf("%v %v %v", tests["passed"], tests["failed"], tests["stopped"]) != "1 1 false" {
		t.Fatalf("%v", found)
	}
	if want := "1 test passes, 1 fails: raised in all, alarm warm, want 2 times, got once."; tests["headline"] != want {
		t.Errorf("headline %q, want %q", tests["headline"], want)
	}
	if summary := fmt.Sprint(found["summary"]); !strings.Contains(summary, "Raises an alarm when temperature is above 9 °C.") {
		t.Errorf("summary %s", summary)
	}
	if plan := found["plan"].(map[string]any); fmt.Sprint(plan["changed"]) != "1" || !strings.Contains(plan["text"].(string), "temperature > 8 -> temperature > 9") {
		t.Errorf("plan %v", plan)
	}
	if now := r.admin(200, "GET", "/api/v1/rules/warm", "").json(); now["when"] != "temperature > 8" {
		t.Errorf("a check has changed the rule to %v", now)
	}

	unplayable := r.check(200, strings.Replace(good, "temperature: \"4x3 12x10\"}}", "humidity: \"4x3\"}}", 1), "").json()["tests"].(map[string]any)
	if errors := unplayable["errors"].([]any); len(errors) != 1 || fmt.Sprint(errors[0].(map[string]any)["line"]) != "10" {
		t.Errorf("tests %v", unplayable)
	}
	r.do(access.Support, "POST", "/api/v1/rules/check", good, "Content-Type", "application/yaml").problem(403)
	r.check(413, strings.Repeat("#", maxBody+1), "")
}

func TestTestsThatTakeTooLongAreStopped(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	found := r.check(200, `kind: Rule
id: warm
when: time_where(temperature > 8, "24h") > 3600
tests:
  - device: {id: a, model: FR-200}
    every: 1m
    series: {temperature: "4x900000"}
    raised: 0
`, "").json()["tests"].(map[string]any)
	if found["stopped"] != true && fmt.Sprint(found["passed"]) != "1" {
		t.Errorf("%v", found)
	}
}

func TestEveryVersionOfARuleIsKept(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	put := func(want int, limit, ifMatch string) answer {
		t.Helper()
		headers := []string{"Content-Type", "application/yaml"}
		if ifMatch != "" {
			headers = append(headers, "If-Match", ifMatch)
		}
		return r.admin(want, "PUT", "/api/v1/rules/warm", "when: temperature > "+limit, headers...)
	}
	if tag := put(200, "9", `"1"`).header.Get("ETag"); tag != `"2"` {
		t.Errorf("ETag %s", tag)
	}
	if detail := put(412, "10", `"1"`).problem(412); !strings.Contains(detail, "version 2") {
		t.Errorf("detail %q", detail)
	}
	put(412, "10", `"0"`)
	put(422, "10", "x")
	put(200, "10", "")
	if detail := r.do(access.Admin, "PUT", "/api/v1/rules/none", "when: temperature > 1", "Content-Type", "application/yaml", "If-Match", `"1"`).problem(412); !strings.Contains(detail, "no rule") {
		t.Errorf("detail %q", detail)
	}

	page := r.admin(200, "GET", "/api/v1/rules/warm/versions?limit=2", "").json()
	items := page["items"].([]any)
	latest := items[0].(map[string]any)
	if len(items) != 2 || fmt.Sprint(latest["version"]) != "3" || latest["author"] == "" || latest["created_at"] == nil {
		t.Errorf("%v", page)
	}
	rest := r.admin(200, "GET", "/api/v1/rules/warm/versions?limit=2&cursor="+page["next"].(string), "").json()
	if items := rest["items"].([]any); len(items) != 1 || fmt.Sprintf("%v %v", items[0].(map[string]any)["version"], items[0].(map[string]any)["author"]) != "1 test" || rest["next"] != "" {
		t.Errorf("%v", rest)
	}
	first := r.admin(200, "GET", "/api/v1/rules/warm/versions/1", "").json()
	if text := first["text"].(string); !strings.Contains(text, "kind: Rule\nid: warm\n") || !strings.Contains(text, "when: temperature > 8\n") {
		t.Errorf("text %s", text)
	}
	if fmt.Sprint(first["rule"].(map[string]any)["version"]) != "1" {
		t.Errorf("%v", first)
	}
	for path, want := range map[string]int{
		"/api/v1/rules/warm/versions/4": 404, "/api/v1/rules/none/versions": 404, "/api/v1/rules/none/versions/1": 404,
		"/api/v1/rules/warm/versions/0": 422, "/api/v1/rules/warm/versions/x": 422, "/api/v1/rules/warm/versions?cursor=AA": 422,
	} {
		r.do(access.Viewer, "GET", path, "").problem(want)
	}
}
