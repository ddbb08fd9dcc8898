package console

import (
	"context"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"telltale/rules"
)

// browserTab is a browser's tab on the console.
type browserTab struct {
	t   *testing.T
	ctx context.Context
	url string

	mu       sync.Mutex
	troubles []string // what the browser complained of
}

// openTab starts Chromium.
func openTab(t *testing.T, url string) *browserTab {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Fatal("this test looks at the pages in Chromium, which is not in PATH: apt-get install chromium")
	}
	limited, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	allocator, cancel := chromedp.NewExecAllocator(limited, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	tab := &browserTab{t: t, ctx: ctx, url: url}
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

// login logs somebody of the story in.
func (b *browserTab) login(r *rig, login string) {
	b.t.Helper()
	r.as(login) // has an account now
	b.do("log in", chromedp.Navigate(b.url+"/login"),
		chromedp.SendKeys(chromedp.CSS("input[name=login]"), login), chromedp.SendKeys(chromedp.CSS("input[name=password]"), storyPassword+"\r"),
		chromedp.WaitVisible(chromedp.CSS("#overview")))
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
	b := openTab(t, r.url)
	b.login(r, "sam")
	b.until("the page is live", `document.querySelector("[data-live-state]").dataset.state === "live"`)

	b.until("it tells which parts work", `document.querySelectorAll("#parts li").length === 4`)
	b.do("open the first ticket with the keyboard", chromedp.Navigate(r.url+"/tickets"), chromedp.WaitVisible(chromedp.CSS("#row-T-000006")),
		chromedp.KeyEvent("j"), chromedp.KeyEvent("j"), chromedp.KeyEvent("\r"), chromedp.WaitVisible(chromedp.CSS("#timeline > li:nth-child(8)")))
	b.until("the second ticket is open", `location.pathname === "/tickets/T-000005"`)
	b.until("its chart is drawn", `document.querySelector("[data-chart][data-drawn] canvas") !== null`)

	b.do("comment", chromedp.SendKeys(chromedp.CSS("#comment"), "The fan turns again."), chromedp.Click(chromedp.CSS("form[action$=comments] button")),
		chromedp.WaitVisible(chromedp.CSS("#timeline > li:nth-child(9)")))
	b.until("the comment is in the timeline", `document.querySelector("#timeline").innerText.includes("The fan turns again.")`)

	b.do("go to the list", chromedp.Navigate(r.url+"/tickets"), chromedp.WaitVisible(chromedp.CSS("#row-T-000006")))
	b.until("the page is live", `document.querySelector("[data-live-state]").dataset.state === "live"`)
	at := ago(10 * time.Second)
	r.handle(5*time.Second, rules.Transition{
		AlarmID: "alm-live", Key: rules.Key{Rule: "drain-fault", Subject: rules.Subject{Type: "device", ID: "fridge-09"}},
		Change: rules.Raised, At: at, RaisedAt: at, PendingSince: at, Occurrences: 1, RuleVersion: 1, Mode: rules.Live,
		Severity: rules.Major, Faults: []string{"F15"}, Explanation: []string{"Fault code F15 is present."},
	})
	b.until("a new ticket appears by itself", `[...document.querySelectorAll("#rows .row-link")].some(a => a.innerText.includes("fridge-09"))`)
	b.until("and is counted", `document.querySelector("#count-tickets").innerText === "5"`)
	b.calm()
}

func TestFiltersApplyThemselvesAndKeepTheAddress(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	b := openTab(t, r.url)
	b.login(r, "vera")
	b.do("search", chromedp.Navigate(r.url+"/tickets"), chromedp.WaitVisible(chromedp.CSS("#row-T-000006")),
		chromedp.SendKeys(chromedp.CSS("input[type=search]"), "aurora"))
	b.until("only what fits is left", `document.querySelectorAll("#rows .row-link").length === 1 && document.querySelector("#row-T-000002") !== null`)
	b.until("the address says so", `location.search.includes("q=aurora")`)
	b.calm()
}

func TestPagesFitAPhone(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	b := openTab(t, r.url)
	b.login(r, "anna")
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
