package console

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"telltale/internal/access"
	"telltale/rules"
	"telltale/rules/backtest"
)

// fridgeForm is the form as it is sent for the rule fridge-warm.
func fridgeForm(changes ...string) url.Values {
	form := url.Values{"range": {"24h"}, "sweep": {"none"}, "against": {""}, "rule": {fridgeWarm}}
	for i := 0; i < len(changes); i += 2 {
		form[changes[i]] = []string{changes[i+1]}
	}
	return form
}

// try sends the form and returns the page of the job when it has ended.
func (r *rig) try(c *http.Client, form url.Values) (address, page string) {
	r.t.Helper()
	address = r.press(c, http.StatusSeeOther, "/rules/fridge-warm/backtest", form).header.Get("Location")
	_, id, _ := strings.Cut(address, "job=")
	r.awaitJob(id, "its end", func(job map[string]any) bool { return jobState(job["state"].(string)).ended() })
	return address, r.visit(c, 200, address)
}

func TestAPageSaysWhatARuleWouldHaveDone(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	sam := r.as("sam")
	page := r.visit(sam, 200, "/rules/fridge-warm/backtest")
	for _, want := range []string{"temperature &gt; 5..11 step 1", "for 0m, 5m, 10m, 15m, 20m, 30m", "Last 30 days", "fridge-04", "clear_when: temperature &lt; 7"} {
		if !strings.Contains(page, want) {
			t.Errorf("the form does not offer %q", want)
		}
	}
	address, page := r.try(sam, fridgeForm("sweep", "temperature > 5..11 step 1"))
	text := said(page)
	for _, want := range []string{
		"In 24 hours this wording would have made", "as many as the rule in force", "The largest step is from", "As it is written, at 8 °C",
		"The same", "at the same time", "fridge-04", "Trial:",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing:\n%s", want, text)
		}
	}
	chart := regexp.MustCompile(`data-chart="([^"]+)"`).FindStringSubmatch(page)
	if chart == nil {
		t.Fatalf("no chart:\n%s", text)
	}
	data := r.send(sam, "", "GET", strings.ReplaceAll(chart[1], "&amp;", "&"), "").json()
	if lanes := data["lanes"].([]any); len(lanes) != 2 || len(lanes[0].(map[string]any)["spans"].([]any)) == 0 {
		t.Errorf("lanes %v", data["lanes"])
	}
	if page = r.visit(sam, 200, address+"&device=fridge-01"); !strings.Contains(said(page), "Trial: 0 alarms") {
		t.Errorf("another device:\n%s", said(page))
	}
	if page = r.visit(sam, 200, "/rules/fridge-warm/backtest"); !strings.Contains(page, "Earlier") {
		t.Error("the form does not lead to the backtest before")
	}
	if page = r.visit(sam, 200, "/rules/fridge-warm/backtest?job=bt-gone"); !strings.Contains(page, "is not kept any more") {
		t.Error("a lost backtest says nothing")
	}
	if page = r.visit(sam, 200, "/rules/silent/backtest?job="+strings.TrimPrefix(address, "/rules/fridge-warm/backtest?job=")); !strings.Contains(page, "is not kept any more") {
		t.Error("the backtest of another rule is shown")
	}
}

func TestAnotherWordingIsComparedWithTheRuleInForce(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	sam := r.as("sam")
	_, page := r.try(sam, fridgeForm("rule", strings.Replace(fridgeWarm, "temperature > 8", "temperature > 60", 1)))
	for _, want := range []string{"would have made no ticket where the rule in force would have made", "Gone"} {
		if !strings.Contains(said(page), want) {
			t.Errorf("%q is missing:\n%s", want, said(page))
		}
	}
	if !strings.Contains(page, "temperature &gt; 60") {
		t.Error("the wording is lost")
	}
	_, page = r.try(sam, fridgeForm("against", "compressor-drift", "device", "fridge-04"))
	if text := said(page); !strings.Contains(text, "compressor-drift") || !strings.Contains(text, "1 device") {
		t.Errorf("against another rule:\n%s", text)
	}
	_, page = r.try(sam, fridgeForm("against", "-"))
	if text := said(page); strings.Contains(text, "the rule in force") || !strings.Contains(text, "Alarms") {
		t.Errorf("against nothing:\n%s", text)
	}
	_, page = r.try(sam, fridgeForm("range", "own", "from", "2020-01-01T00:00", "to", "2020-01-02T00:00"))
	if !strings.Contains(said(page), "No readings in this time") || !strings.Contains(said(page), "1 Jan 2020 00:00 to 2 Jan 2020 00:00") {
		t.Errorf("an empty history:\n%s", said(page))
	}
	if !strings.Contains(page, `name="from" value="2020-01-01T00:00"`) || !strings.Contains(page, `name="to" value="2020-01-02T00:00"`) {
		t.Error("the form forgets the time that was asked for")
	}
}

func TestTheWordingInForceIsKnownHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	sam := r.as("sam")
	text := r.wording(sam)
	if !strings.HasPrefix(text, "kind: Rule\nid: fridge-warm\n") {
		t.Fatalf("the form shows %q", text)
	}
	for name, c := range map[string]struct {
		text    string
		another bool
	}{
		"as it is shown":       {strings.ReplaceAll(text, "\n", "\r\n"), false},
		"without its kind":     {strings.TrimPrefix(text, "kind: Rule\n"), false},
		"with a comment":       {"# tried on Monday\n" + text, false},
		"another limit":        {strings.Replace(text, "temperature > 8", "temperature > 9", 1), true},
		"without one test":     {text[:strings.Index(text, "tests:")], true},
		"in another mode":      {strings.Replace(text, "mode: live", "mode: shadow", 1), true},
		"the delay in seconds": {strings.Replace(text, "for: 10m", "for: 600s", 1), false},
	} {
		r.try(sam, fridgeForm("rule", c.text))
		if got := r.server.jobs.list()[0].Request.AnotherWording(); got != c.another {
			t.Errorf("%s: another wording is %v, want %v", name, got, c.another)
		}
	}
}

// wording is the text of the rule fridge-warm in the form.
func (r *rig) wording(c *http.Client) string {
	r.t.Helper()
	field := regexp.MustCompile(`(?s)<textarea[^>]*name="rule"[^>]*>(.*?)</textarea>`)
	shown := field.FindStringSubmatch(r.visit(c, 200, "/rules/fridge-warm/backtest"))
	if shown == nil {
		r.t.Fatal("the form shows no rule")
	}
	return html.UnescapeString(shown[1])
}

// link returns where a page leads under a name.
func link(page, name string) string {
	found := regexp.MustCompile(`href="([^"]+)"[^>]*>` + regexp.QuoteMeta(name) + `<`).FindStringSubmatch(page)
	if found == nil {
		return ""
	}
	return html.UnescapeString(found[1])
}

func TestAValueOfASweepIsTakenOverInTheEditor(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	anna := r.as("anna")
	address, page := r.try(anna, fridgeForm("rule", r.wording(anna), "sweep", "temperature > 6..8 step 1"))
	use := link(page, "Use")
	if strings.Count(page, ">Use<") != 2 || !strings.HasSuffix(use, "value=6") {
		t.Fatalf("6 and 7 are to be offered, and not 8, which it has; the first leads to %q", use)
	}
	if page := r.visit(r.as("sam"), 200, address); strings.Contains(page, ">Use<") {
		t.Error("somebody who may not edit is offered a value")
	}
	editor := r.visit(anna, 200, use)
	for _, want := range []string{"6 °C is filled in from", "Nothing is saved yet", "What changes", "when: temperature > 8", "when: temperature > 6", "Save as version 2"} {
		if !strings.Contains(said(editor), want) {
			t.Errorf("%q is missing in %s", want, said(editor))
		}
	}
	if !strings.Contains(editor, `name="base" value="1"`) || !strings.Contains(editor, "data-unsaved") {
		t.Error("the editor takes the text for a stored one")
	}
	if now := r.admin(200, "GET", "/api/v1/rules/fridge-warm", "").json(); now["when"] != "temperature > 8" {
		t.Errorf("looking at it has changed the rule to %v", now["when"])
	}

	// What somebody saves meanwhile is not undone.
	r.edit(anna, 303, "/rules/fridge-warm/edit", strings.Replace(fridgeWarm, "for: 10m", "for: 12m", 1)+"kind: Rule\n", "1", "save")
	if text := said(r.visit(anna, 200, use)); !strings.Contains(text, "for: 12m") || !strings.Contains(text, "when: temperature > 6") {
		t.Errorf("the value is not in the rule in force: %s", text)
	}
	r.edit(anna, 303, "/rules/fridge-warm/edit", "kind: Rule\nid: fridge-warm\nwhen: fault(\"E21\")\n", "2", "save")
	if text := said(r.visit(anna, 409, use)); !strings.Contains(text, "has no place for this value any more") {
		t.Error(text)
	}
	for _, path := range []string{
		strings.Replace(use, "value=6", "value=9", 1), strings.Replace(use, "fridge-warm", "door-open", 1), "/rules/fridge-warm/edit?backtest=bt-gone",
	} {
		r.visit(anna, 404, path)
	}
	r.visit(r.as("sam"), 403, use)
}

func TestAnotherWordingIsTakenOverInTheEditor(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	anna := r.as("anna")
	trial := strings.Replace(fridgeWarm, "for: 10m", "for: 4m", 1) + "mode: \"off\"\n"
	_, page := r.try(anna, fridgeForm("rule", trial, "sweep", "temperature > 7..8"))
	for name, limit := range map[string]string{"Use this wording": "8", "Use": "7"} {
		text := said(r.visit(anna, 200, link(page, name)))
		for _, want := range []string{"for: 4m", "when: temperature > " + limit, "mode: off"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is missing in %s", name, want, text)
			}
		}
	}
}

func TestTheFormSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	sam := r.as("sam")
	for name, c := range map[string]struct {
		form url.Values
		want string
	}{
		"a half condition":  {fridgeForm("rule", "when: temperature >\n"), "rules:1:"},
		"a misspelt metric": {fridgeForm("rule", "title: T\nwhen: temperatur > 8\n"), "rules:2:7"},
		"no text":           {fridgeForm("rule", " "), "The rule is empty"},
		"another rule":      {fridgeForm("rule", "id: other\nwhen: temperature > 8\n"), "must hold the rule fridge-warm"},
		"a model beside it": {fridgeForm("rule", "kind: Rule\nid: fridge-warm\nwhen: temperature > 8\n---\nkind: Model\nid: M\nmetrics: {t: {unit: Cel}}\n"), "must hold"},
		"no beginning":      {fridgeForm("range", "own", "to", "2026-01-01T00:00"), "no time to begin at"},
		"no end":            {fridgeForm("range", "own", "from", "2026-01-01T00:00", "to", "soon"), "no time to end at"},
		"backwards":         {fridgeForm("range", "own", "from", "2026-01-02T00:00", "to", "2026-01-01T00:00"), "must be after the beginning"},
		"a strange range":   {fridgeForm("range", "1y"), "no time to begin at"},
		"a strange sweep":   {fridgeForm("sweep", "own", "own", "temperature > 8"), "A sweep is the condition"},
		"a strange device":  {fridgeForm("device", "nobody, fridge-04"), "does not exist"},
		"against nobody":    {fridgeForm("against", "nobody"), "does not exist"},
	} {
		page := string(r.press(sam, http.StatusUnprocessableEntity, "/rules/fridge-warm/backtest", c.form).body)
		if !strings.Contains(said(page), c.want) {
			t.Errorf("%s: %q is missing:\n%s", name, c.want, said(page))
		}
	}
	r.press(sam, http.StatusNotFound, "/rules/nothing/backtest", fridgeForm())
	r.visit(sam, http.StatusNotFound, "/rules/nothing/backtest")
	r.visit(sam, http.StatusNotFound, "/rules/nothing/shadow")
	r.press(r.as("vera"), http.StatusForbidden, "/rules/fridge-warm/backtest", fridgeForm())
	if page := r.visit(r.as("vera"), 200, "/rules/fridge-warm/backtest"); strings.Contains(page, "Play the past") || !strings.Contains(page, "needs the role") {
		t.Error("a viewer is offered the form")
	}
	if len(r.server.jobs.list()) != 0 {
		t.Error("what was refused is queued")
	}
}

func TestAPageWithoutScriptsFollowsABacktest(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	sam, quinn := r.as("sam"), r.as("quinn")
	gate := r.gated()
	address := r.press(sam, http.StatusSeeOther, "/rules/fridge-warm/backtest", fridgeForm()).header.Get("Location")
	page := r.visit(sam, 200, address)
	for _, want := range []string{`http-equiv="refresh"`, `role="progressbar"`, `/cancel"`} {
		if !strings.Contains(page, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if page := r.visit(quinn, 200, address); strings.Contains(page, `/cancel"`) {
		t.Error("somebody else is offered to cancel it")
	}
	id := strings.TrimPrefix(address, "/rules/fridge-warm/backtest?job=")
	r.press(quinn, http.StatusForbidden, "/rules/fridge-warm/backtest/"+id+"/cancel", url.Values{})
	r.press(sam, http.StatusSeeOther, "/rules/fridge-warm/backtest/"+id+"/cancel", url.Values{})
	page = r.visit(sam, 200, address)
	if !strings.Contains(page, "was cancelled") || strings.Contains(page, `http-equiv="refresh"`) {
		t.Errorf("after the cancel:\n%s", said(page))
	}
	r.press(sam, http.StatusNotFound, "/rules/fridge-warm/backtest/bt-none/cancel", url.Values{})
	close(gate.open)
}

func TestSomebodyTriesARuleInTheBrowser(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	gate := r.gated()
	b := r.openTab("sam")
	play := func() {
		b.do("play the past", chromedp.Navigate(r.url+"/rules/fridge-warm/backtest"), chromedp.WaitVisible(chromedp.CSS(".trial-form button")),
			chromedp.SetValue(chromedp.CSS("select[name=range]"), "24h"), chromedp.Click(chromedp.CSS(".trial-form button")), chromedp.WaitVisible(chromedp.CSS("#trial .progress")))
	}
	play()
	for range 12 { // an hour, and eight more, of each of six devices
		gate.open <- struct{}{}
	}
	b.until("it says how far it is", `Number(document.querySelector("#trial [role=progressbar]").getAttribute("aria-valuenow")) >= 5`)
	b.do("cancel", chromedp.Click(chromedp.CSS("#trial form button")), chromedp.WaitVisible(chromedp.CSS("#trial .notice")))
	b.until("it is cancelled", `document.querySelector("#trial").innerText.includes("was cancelled")`)

	play()
	close(gate.open)
	b.until("the answer comes by itself", `document.querySelector("#trial .headline")?.innerText.startsWith("In 24 hours")`)
	b.until("its charts are drawn", `document.querySelectorAll("#trial [data-chart][data-drawn] canvas").length > 0`)
	b.until("and its sweep", `document.querySelectorAll("#trial .standing rect").length === 7`)
	b.do("on a phone", chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile))
	wide, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`
		[...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > 361 && !e.closest(".tabs, .u-wrap, svg"))
			.map(e => e.tagName + "." + e.getAttribute("class"))`))
	r.must(err)
	if len(wide) > 0 {
		t.Errorf("the answer is wider than a phone: %s", strings.Join(wide, ", "))
	}
	b.calm()
}

func TestSweepsAreOfferedAroundTheNumbersOfARule(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule rules.Rule
		want string
	}{
		{rules.Rule{When: "temperature > 8"}, "temperature > 5..11 step 1"},
		{rules.Rule{When: "temperature > -15"}, "temperature > -21..-9 step 2"},
		{rules.Rule{When: "compressor_w > 190"}, "compressor_w > 130..250 step 20"},
		{rules.Rule{When: "share < 0.9"}, "share < 0.6..1.2 step 0.1"},
		{rules.Rule{When: "temperature < 0"}, "temperature < -3..3 step 1"},
		{rules.Rule{When: "temperature > degF(46)"}, "temperature > degF(31..61 step 5)"},
		{rules.Rule{When: `avg(temperature, "10m") >= 8`}, `avg(temperature, "10m") >= 5..11 step 1`},
		{rules.Rule{When: "door_open == 1", For: 5 * time.Minute}, "for 0s, 150s, 300s, 450s, 600s, 900s"},
		{rules.Rule{When: `silent("30m")`}, ""},
	} {
		var got []string
		for _, s := range sweepsOf(&c.rule) {
			got = append(got, s.Text)
			sweep, err := backtest.ParseSweep(s.Text)
			if err != nil {
				t.Errorf("%q cannot be played: %v", s.Text, err)
			}
			in := backtest.Input{Rules: []rules.Rule{c.rule}, Sweep: &sweep}
			in.Rules[0].ID = "r"
			if err := backtest.Check(in); err != nil && strings.Contains(err.Error(), "sweep") {
				t.Errorf("%q has no place: %v", s.Text, err)
			}
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s: %q, want %q", c.rule.When, got, c.want)
		}
	}
}

func TestASweepSaysWhereItMakesTheLargestStep(t *testing.T) {
	t.Parallel()
	steps := func(tickets ...int) []backtest.SweepStep {
		var all []backtest.SweepStep
		for i, n := range tickets {
			all = append(all, backtest.SweepStep{Text: string(rune('5' + i)), Unit: "Cel", Own: i == 1, Figures: backtest.Figures{Tickets: n}})
		}
		return all
	}
	for _, c := range []struct {
		steps []backtest.SweepStep
		want  string
	}{
		{steps(40, 31, 4, 3), "The largest step is from 6 °C to 7 °C: 31 tickets, then 4. As it is written, at 6 °C, it makes 31 tickets."},
		{steps(2, 2, 2), "It makes no difference: each of them makes 2 tickets."},
		{steps(0, 0), "It makes no difference: each of them makes no ticket."},
		{steps(1, 0), "The largest step is from 5 °C to 6 °C: 1 ticket, then none. As it is written, at 6 °C, it makes no ticket."},
	} {
		got := strings.ReplaceAll(sweepOf("t", c.steps).Hint, thin, " ")
		if got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	drawing := string(columnsChart([]column{{"5", 40, false}, {"<b>", 0, true}}, `a "title"`))
	for _, want := range []string{`<g class="own">`, "&lt;b&gt;", `height="0"`, `a &#34;title&#34;`} {
		if !strings.Contains(drawing, want) {
			t.Errorf("%s is missing in %s", want, drawing)
		}
	}
}

func TestOnlyWhoMayTryRulesSeesWhatWasTried(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	sam := r.as("sam")
	address, _ := r.try(sam, fridgeForm())
	_, id, _ := strings.Cut(address, "job=")
	if !access.Support.May(access.Backtest) || access.Viewer.May(access.Backtest) {
		t.Fatal("this test is about others")
	}
	r.visit(r.as("vera"), http.StatusForbidden, "/charts/backtest/"+id+"?device=fridge-04")
	if page := r.visit(r.as("vera"), 200, address); strings.Contains(page, "In 24 hours") {
		t.Error("a viewer reads the result")
	}
	for path, status := range map[string]int{
		"/charts/backtest/" + id + "?device=nobody":   404,
		"/charts/backtest/bt-none?device=fridge-04":   404,
		"/charts/backtest/" + id + "?device=washer-2": 200,
	} {
		if a := r.send(sam, "", "GET", path, ""); a.status != status {
			t.Errorf("%s: status %d, want %d", path, a.status, status)
		}
	}
}
