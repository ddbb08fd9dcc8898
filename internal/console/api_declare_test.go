package console

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"telltale/internal/access"
)

const newDevice = "kind: Device\nid: fridge-3\nmodel: FR-200\n"

func TestPlanChangesNothingAndApplyDoes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	yaml := []string{"Content-Type", "application/yaml"}
	plan := r.admin(200, "POST", "/api/v1/plan", newDevice, yaml...).json()
	if fmt.Sprintf("%v %v", plan["created"], plan["changed"]) != "1 0" || !strings.Contains(plan["text"].(string), "+ Device fridge-3") {
		t.Errorf("plan %v", plan)
	}
	r.do(access.Viewer, "GET", "/api/v1/devices/fridge-3", "").problem(404)

	applied := r.admin(200, "POST", "/api/v1/apply", newDevice, yaml...).json()
	if fmt.Sprintf("%v %v", applied["created"], applied["version"]) != "1 2" {
		t.Errorf("applied %v", applied)
	}
	r.admin(200, "GET", "/api/v1/devices/fridge-3", "")

	again := r.admin(200, "POST", "/api/v1/apply", newDevice, yaml...).json()
	if fmt.Sprintf("%v %v %v", again["created"], again["unchanged"], again["version"]) != "0 1 2" {
		t.Errorf("applied again %v", again)
	}
}

func TestFaultyDeclarationsChangeNothingAndNameTheirLine(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	sources, err := json.Marshal(map[string]any{"sources": []map[string]string{
		{"name": "good.yaml", "text": newDevice},
		{"name": "bad.yaml", "text": "kind: Device\nid: fridge-4\nmodel: FR-200\ncolour: red\n"},
	}})
	r.must(err)
	a := r.do(access.Admin, "POST", "/api/v1/apply", string(sources))
	if detail := a.problem(422); !strings.Contains(detail, "bad.yaml:4") || !strings.Contains(detail, "colour") {
		t.Errorf("detail %q names neither file, line nor field", detail)
	}
	r.do(access.Viewer, "GET", "/api/v1/devices/fridge-3", "").problem(404)

	cases := map[string]string{
		"an empty body":             "",
		"a body of comments":        "# nothing\n",
		"an unknown kind":           "kind: Gadget\nid: g\n",
		"a reference to nothing":    "kind: Device\nid: d\nmodel: XY-1\n",
		"a condition that is wrong": "kind: Rule\nid: r\nwhen: temperature >\n",
		"YAML that is none":         "kind: [",
	}
	for name, text := range cases {
		if a := r.do(access.Admin, "POST", "/api/v1/apply", text, "Content-Type", "application/yaml"); a.status != 422 && a.status != 400 {
			t.Errorf("%s: status %d: %s", name, a.status, a.body)
		}
	}
	r.do(access.Admin, "POST", "/api/v1/apply", `{"sources": [{"title": "x"}]}`).problem(422)
}

func TestARuleIsPutAsANewVersion(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	put := func(want int, path, contentType, body string) answer {
		t.Helper()
		return r.admin(want, "PUT", path, body, "Content-Type", contentType)
	}
	warm := put(200, "/api/v1/rules/warm", "application/json", `{"title": "Too warm", "when": "temperature > 9", "severity": "major"}`).json()
	if fmt.Sprintf("%v %v", warm["version"], warm["when"]) != "2 temperature > 9" {
		t.Errorf("rule %v", warm)
	}
	same := put(200, "/api/v1/rules/warm", "application/yaml", "title: Too warm\nwhen: temperature > 9\nseverity: major").json()
	if fmt.Sprint(same["version"]) != "2" {
		t.Errorf("an unchanged rule became version %v", same["version"])
	}
	cold := put(200, "/api/v1/rules/cold", "application/yaml", "kind: Rule\nid: cold\nwhen: temperature < 2\n").json()
	if fmt.Sprintf("%v %v", cold["version"], cold["mode"]) != "1 live" {
		t.Errorf("new rule %v", cold)
	}
	put(200, "/api/v1/rules/flow", "application/yaml", "{when: temperature > 3}")
	if got := r.admin(200, "GET", "/api/v1/rules", "").ids(); fmt.Sprint(got) != "[cold flow warm]" {
		t.Errorf("rules %v", got)
	}

	wrong := []struct{ name, contentType, body, names string }{
		{"a condition with an unknown metric", "application/json", `{"when": "colour > 1"}`, "colour"},
		{"an unknown key, with its line", "application/yaml", "when: temperature > 9\ncolour: red\n", "body:2"},
		{"another id than the address", "application/json", `{"id": "hot", "when": "temperature > 9"}`, "warm"},
		{"another kind", "application/yaml", "kind: Device\nid: warm\nmodel: FR-200\n", "one rule"},
		{"two rules", "application/yaml", "when: temperature > 9\n---\nwhen: temperature > 9\n", ""},
		{"a list", "application/json", `[]`, "JSON"},
		{"null", "application/json", `null`, "object"},
		{"nothing", "application/yaml", " ", ""},
	}
	for _, c := range wrong {
		a := r.do(access.Admin, "PUT", "/api/v1/rules/warm", c.body, "Content-Type", c.contentType)
		if a.status != 422 || !strings.Contains(a.problem(422), c.names) {
			t.Errorf("%s: status %d: %s", c.name, a.status, a.body)
		}
	}
	if warm := r.admin(200, "GET", "/api/v1/rules/warm", "").json(); fmt.Sprint(warm["version"]) != "2" {
		t.Errorf("a refused rule became version %v", warm["version"])
	}
}
