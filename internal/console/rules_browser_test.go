package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// put replaces the text in the editor as if somebody had typed it.
func (b *browserTab) put(old, new string) {
	b.t.Helper()
	b.do("type", chromedp.Evaluate[chromedp.Void](`(() => {
		const field = document.getElementById("text");
		field.value = field.value.replace(`+"`"+old+"`, `"+new+"`"+`);
		field.dispatchEvent(new Event("input", {bubbles: true}));
	})()`))
}

func TestARuleIsEditedInTheBrowser(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	b := r.openTab("anna")
	b.do("open the editor", chromedp.Navigate(r.url+"/rules/fridge-warm"), chromedp.WaitVisible(chromedp.CSS("#tests")),
		chromedp.Click(chromedp.CSS(`a[href$="/edit"]`)), chromedp.WaitVisible(chromedp.CSS("#text")))
	b.until("a valid text may be saved", `document.querySelector("[data-valid=yes]") !== null && !document.getElementById("save").disabled`)

	b.put("temperature > 8", "temprature > 8")
	b.until("an error disables saving", `document.querySelector("[data-valid=no]") !== null && document.getElementById("save").disabled`)
	b.until("its place and a hint are shown",
		`document.querySelector(".place").innerText === "5:7" && document.querySelector(".faults").innerText.includes('Did you mean "temperature"?')`)
	b.until("its line is marked", `document.querySelector(".gutter .wrong").innerText === "5"`)
	b.until("it is said to those who do not see it", `document.getElementById("said").innerText.includes("line 5, column 7")`)
	b.do("go to it", chromedp.Click(chromedp.CSS(".place")))
	b.until("the caret is there", `(() => { const f = document.getElementById("text");
		return document.activeElement === f && f.value.slice(f.selectionStart).startsWith("temprature") })()`)

	b.do("indent", chromedp.KeyEvent("\t"))
	b.until("Tab indents", `document.getElementById("text").value.includes("when:   temprature")`)
	b.put("when:   temprature > 8", "when: temperature > 9")
	b.until("mending enables", `document.querySelector("[data-valid=yes]") !== null && !document.getElementById("save").disabled`)
	b.until("what changes is shown", `document.querySelector(".diff .removed").innerText.includes("when: temperature > 8") &&
		document.querySelector(".diff .added").innerText.includes("when: temperature > 9")`)
	b.until("the failing test is counted", `document.querySelector("#verdict").innerText.includes("1 test of 1 failed")`)
	b.do("go to what failed", chromedp.Click(chromedp.CSS(".test .place")))
	b.until("the caret is there", `(() => { const f = document.getElementById("text"); return f.value.slice(f.selectionStart).startsWith("{at: 45m") })()`)
	b.put("9x12", "10x12")
	b.until("and passes when it is mended", `document.querySelector("#verdict").innerText.includes("1 test passed")`)
	b.do("save", chromedp.Click(chromedp.CSS("#save")), chromedp.WaitVisible(chromedp.CSS(".notice.green")))
	b.until("it is version 2 by its author", `document.querySelector("#head").innerText.includes("Version 2 by anna")`)
	b.do("look at what changed", chromedp.Click(chromedp.CSS(`a[href*="/versions?"]`)), chromedp.WaitVisible(chromedp.CSS("#diff .added")))
	b.until("the difference is there", `document.querySelector("#diff").innerText.includes("when: temperature > 9")`)
	b.calm()
}

func TestAnAlarmAppearsOnItsRulesPage(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	b := r.openTab("vera")
	b.goLive("/rules/drain-fault", "#alarms")
	r.drainFault()
	b.until("it is listed", `document.querySelector("#alarms").innerText.includes("fridge-09")`)
	b.until("and counted", `document.querySelector("#head").innerText.includes("2 open alarms") && document.querySelector("#noise").innerText.includes("2 alarms in 8 weeks")`)
	b.until("what does not change stays", `document.querySelector("#tests").innerText.includes("carries no tests")`)
	b.calm()
}

func TestRulesAreSearchedAndSortedInTheBrowser(t *testing.T) {
	t.Parallel()
	b := newStory(t).openTab("vera")
	b.search("/rules", "#row-fridge-warm", "door", "#row-door-open")
	b.calm()
}

// edit posts the editor's form.
func (r *rig) edit(c *http.Client, want int, path, text, base, act string) answer {
	r.t.Helper()
	return r.press(c, want, path, url.Values{"text": {strings.ReplaceAll(text, "\n", "\r\n")}, "base": {base}, "act": {act}})
}

func TestTheEditorWorksWithoutScripts(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	anna := r.as("anna")
	page := r.visit(anna, 200, "/rules/door-open/edit")
	for _, want := range []string{`name="act" value="check"`, "when: door_open == 1", `<input type="hidden" name="base" value="1">`} {
		if !strings.Contains(page, want) {
			t.Errorf("%s is missing", want)
		}
	}
	const wrong = "kind: Rule\nid: door-open\nwhen: dor_open == 1\nseverty: minor # <b>\n"
	checked := string(r.edit(anna, 200, "/rules/door-open/edit", wrong, "1", "check").body)
	refused := string(r.edit(anna, 422, "/rules/door-open/edit", wrong, "1", "save").body)
	for _, body := range []string{checked, refused} {
		for _, want := range []string{"2 errors, the first in line 3, column 7.", "Did you mean &#34;door_open&#34;?", "severty: minor # &lt;b&gt;", `data-line="4" data-column="1"`} {
			if !strings.Contains(body, want) {
				t.Errorf("%q is missing in %s", want, said(body))
			}
		}
	}
	if versions := r.admin(200, "GET", "/api/v1/rules/door-open/versions", "").json()["items"].([]any); len(versions) != 1 {
		t.Errorf("a refused text became a version: %v", versions)
	}

	for text, want := range map[string]string{
		"":                              "there is nothing here",
		"# only words\n":                "nothing but comments",
		"kind: Device\nid: d\nmodel: m": "one rule and nothing else",
		"kind: Rule\nid: other\nwhen: door_open\n": "must stay &#34;door-open&#34;",
		"kind: [": "this is not YAML",
		"kind: Rule\nid: door-open\nwhen: door_open\n---\nkind: Rule\nid: b\nwhen: door_open\n": "one rule and nothing else",
	} {
		body := string(r.edit(anna, 422, "/rules/door-open/edit", text, "1", "save").body)
		if !strings.Contains(strings.ToLower(body), strings.ToLower(want)) {
			t.Errorf("%q: %q is missing in %s", text, want, said(body))
		}
	}

	made := r.edit(anna, 303, "/rules/new", "kind: Rule\nid: hot\nwhen: temperature > 60\nmode: shadow\n", "0", "save")
	if to := made.header.Get("Location"); to != "/rules/hot?saved" {
		t.Errorf("sent to %s", to)
	}
	if page := said(r.visit(anna, 200, "/rules/hot?saved")); !strings.Contains(page, "Version 1 is saved and in force.") || !strings.Contains(page, "On trial") {
		t.Error(page)
	}
	if body := string(r.edit(anna, 409, "/rules/new", "kind: Rule\nid: hot\nwhen: temperature > 70\n", "0", "save").body); !strings.Contains(body, "There is a rule of this id already.") {
		t.Error(said(body))
	}
}

func TestAStaleSaveIsRefusedWithTheDifference(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	anna := r.as("anna")
	const mine = "kind: Rule\nid: door-open\ntitle: Door left open\nwhen: door_open == 1\nfor: 7m\nseverity: minor\nmode: live\n"
	r.edit(anna, 303, "/rules/door-open/edit", strings.Replace(mine, "7m", "6m", 1), "1", "save")

	body := string(r.edit(anna, 409, "/rules/door-open/edit", mine, "1", "save").body)
	for _, want := range []string{"anna saved version 2 meanwhile", "for: 6m", "for: 7m", `name="base" value="2"`, "Save as version 3"} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is missing in %s", want, said(body))
		}
	}
	if now := r.admin(200, "GET", "/api/v1/rules/door-open", "").json(); now["for"] != "6m" {
		t.Errorf("the rule in force is %v", now)
	}
	r.edit(anna, 303, "/rules/door-open/edit", mine, "2", "save")
	if now := r.admin(200, "GET", "/api/v1/rules/door-open", ""); now.json()["for"] != "7m" || now.header.Get("ETag") != `"3"` {
		t.Errorf("the rule in force is %s, %s", now.body, now.header.Get("ETag"))
	}

	// To go back is to save an earlier text as a new version.
	page := r.visit(anna, 200, "/rules/door-open/edit?version=1")
	if !strings.Contains(page, "for: 5m") || !strings.Contains(page, `name="base" value="3"`) {
		t.Error(said(page))
	}
	r.visit(anna, 404, "/rules/door-open/edit?version=9")
	if page := said(r.visit(anna, 200, "/rules/door-open/versions?from=1&to=3")); !strings.Contains(page, "From version 1 to 3") || !strings.Contains(page, "Go back") {
		t.Error(page)
	}
	if page := said(r.visit(anna, 200, "/rules/door-open/versions?from=2&to=2")); !strings.Contains(page, "Choose two versions") {
		t.Error(page)
	}
}

func TestOnlyWhoMayDeclareEditsRules(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	sam := r.as("sam")
	for _, path := range []string{"/rules/door-open/edit", "/rules/new"} {
		r.visit(sam, 403, path)
		r.edit(sam, 403, path, "kind: Rule\nid: door-open\nwhen: door_open\n", "1", "save")
	}
	r.edit(sam, 403, "/rules/check", "kind: Rule\nid: door-open\nwhen: door_open\n", "1", "")
	page := r.visit(sam, 200, "/rules/door-open")
	if strings.Contains(page, "/edit") {
		t.Error("somebody who may not edit is led to the editor")
	}
	anna := r.as("anna")
	if a := r.form(anna, "/rules/door-open/edit", url.Values{"text": {"x"}, "base": {"1"}}); a.status != 403 {
		t.Errorf("a form without a token: status %d", a.status)
	}
	for _, path := range []string{"/rules/nothing", "/rules/nothing/versions", "/rules/nothing/edit"} {
		r.visit(anna, 404, path)
	}
}
