package console

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"telltale/rules"
)

// browserTab is a browser's tab on the console.
type browserTab struct {
	t   testing.TB
	ctx context.Context
	url string

	mu       sync.Mutex
	troubles []string // what the browser complained of
}

// openTab opens a tab in which somebody of the story logs in. It shares nothing
// with the tabs of other tests.
func (r *rig) openTab(login string) *browserTab {
	t := r.t
	t.Helper()
	browser, err := chromium.start()
	if err != nil {
		t.Fatal(err)
	}
	limited, cancel := context.WithTimeout(browser, 3*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(limited, chromedp.WithNewBrowserContext())
	tab := &browserTab{t: t, ctx: ctx, url: r.url}
	messages := chromedp.Console(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for message, err := range messages {
			if err != nil {
				return
			}
			if message.Type == chromedp.ConsoleError || message.Type == chromedp.ConsoleException {
				tab.mu.Lock()
				tab.troubles = append(tab.troubles, message.Text+" "+message.URL)
				tab.mu.Unlock()
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	r.as(login) // has an account now
	tab.do("log in", chromedp.Navigate(r.url+"/login"),
		chromedp.SendKeys(chromedp.CSS("input[name=login]"), login), chromedp.SendKeys(chromedp.CSS("input[name=password]"), storyPassword+"\r"),
		chromedp.WaitVisible(chromedp.CSS("#overview")))
	return tab
}

// do takes steps in the tab.
func (b *browserTab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// until waits for a condition, written in JavaScript.
func (b *browserTab) until(what, condition string) {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool](condition, chromedp.WithPollingTimeout(time.Minute))); err != nil {
		text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
		b.t.Fatalf("%s: %v\n%s", what, err, text)
	}
}

// goLive opens a page that changes by itself, where part is.
func (b *browserTab) goLive(path, part string) {
	b.t.Helper()
	b.do("open "+path, chromedp.Navigate(b.url+path), chromedp.WaitVisible(chromedp.CSS(part)))
	b.until("the page is live", `document.querySelector("[data-live-state]").dataset.state === "live"`)
}

// search types into the field of a list that shows row at first, and waits
// until the list holds the row left alone and the address says why.
func (b *browserTab) search(path, row, text, left string) {
	b.t.Helper()
	b.do("search", chromedp.Navigate(b.url+path), chromedp.WaitVisible(chromedp.CSS(row)),
		chromedp.SendKeys(chromedp.CSS("input[type=search]"), text))
	b.until("only what fits is left", `document.querySelectorAll("#rows .row-link").length === 1 && document.querySelector("`+left+`") !== null`)
	b.until("the address says so", `location.search.includes("q=`+text+`")`)
}

// drainFault raises an alarm of fridge-09 while people look.
func (r *rig) drainFault() {
	r.t.Helper()
	at := ago(10 * time.Second)
	r.handle(5*time.Second, rules.Transition{
		AlarmID: "alm-live", Key: rules.Key{Rule: "drain-fault", Subject: rules.Subject{Type: "device", ID: "fridge-09"}},
		Change: rules.Raised, At: at, RaisedAt: at, PendingSince: at, Occurrences: 1, RuleVersion: 1, Mode: rules.Live,
		Severity: rules.Major, Faults: []string{"F15"}, Explanation: []string{"Fault code F15 is present."},
	})
}

// calm fails the test when the browser complained of anything.
func (b *browserTab) calm() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, trouble := range b.troubles {
		b.t.Errorf("the browser complains: %s", trouble)
	}
}

func TestSomebodyWorksInTheBrowser(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	b := r.openTab("sam")
	b.until("the page is live", `document.querySelector("[data-live-state]").dataset.state === "live"`)

	b.until("it tells which parts work", `document.querySelectorAll("#parts li").length === 4`)
	b.do("open the first ticket with the keyboard", chromedp.Navigate(r.url+"/tickets"), chromedp.WaitVisible(chromedp.CSS("#row-T-000006")),
		chromedp.KeyEvent("j"), chromedp.KeyEvent("j"), chromedp.KeyEvent("\r"), chromedp.WaitVisible(chromedp.CSS("#timeline > li:nth-child(8)")))
	b.until("the second ticket is open", `location.pathname === "/tickets/T-000005"`)
	b.until("its chart is drawn", `document.querySelector("[data-chart][data-drawn] canvas") !== null`)

	b.do("comment", chromedp.SendKeys(chromedp.CSS("#comment"), "The fan turns again."), chromedp.Click(chromedp.CSS("form[action$=comments] button")),
		chromedp.WaitVisible(chromedp.CSS("#timeline > li:nth-child(9)")))
	b.until("the comment is in the timeline", `document.querySelector("#timeline").innerText.includes("The fan turns again.")`)

	b.goLive("/tickets", "#row-T-000006")
	r.drainFault()
	b.until("a new ticket appears by itself", `[...document.querySelectorAll("#rows .row-link")].some(a => a.innerText.includes("fridge-09"))`)
	b.until("and is counted", `document.querySelector("#count-tickets").innerText === "5"`)
	b.calm()
}

func TestFiltersApplyThemselvesAndKeepTheAddress(t *testing.T) {
	t.Parallel()
	b := newStory(t).openTab("vera")
	b.search("/tickets", "#row-T-000006", "aurora", "#row-T-000002")
	b.calm()
}

func TestPagesFitAPhone(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	b := r.openTab("anna")
	for _, path := range []string{
		"/", "/tickets", "/tickets/T-000005", "/alarms/alm-fridge-04", "/shipments", "/shipments/S-9001", "/recalls", "/recalls/R-0001",
		"/devices", "/devices/unclaimed", "/devices/fridge-04", "/customers/C-1001", "/rules", "/rules/fridge-warm", "/rules/fridge-warm/versions", "/rules/fridge-warm/edit", "/rules/new", "/rules/fridge-warm/backtest", "/rules/compressor-drift/shadow?against=fridge-warm", "/quarantine", "/sources",
		"/trace/p3%2F10293%2F17",
	} {
		b.do("open "+path, chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile), chromedp.Navigate(r.url+path))
		b.until(path+" has its charts", `[...document.querySelectorAll("[data-chart]")].every(c => c.dataset.drawn)`)
		wide, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`
			[...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > 361 && !e.closest(".tabs, .u-wrap, .payload, .scroll"))
				.map(e => e.tagName + "." + e.getAttribute("class") + " " + Math.round(e.getBoundingClientRect().right))`))
		r.must(err)
		if len(wide) > 0 {
			t.Errorf("%s is wider than a phone: %s", path, strings.Join(wide[:min(len(wide), 5)], ", "))
		}
	}
	b.calm()
}

func TestPagesWorkWithoutScripts(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	sam := r.as("sam")
	page := r.visit(sam, 200, "/tickets")
	if !strings.Contains(page, `<button class="button nojs">Filter</button>`) {
		t.Error("filters need a script")
	}
	page = r.visit(sam, 200, "/tickets/T-000005")
	for _, want := range []string{`<form method="post" action="/tickets/T-000005"`, `action="/tickets/T-000005/comments"`, "Show as a table"} {
		if !strings.Contains(page, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if !strings.Contains(page, "<noscript>") {
		t.Error("a chart without scripts says nothing")
	}
}
