package console

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestMain(m *testing.M) {
	code := m.Run()
	chromium.end()
	os.Exit(code)
}

// chromium is the browser of this test process. Its start takes longer than
// most of what tests do in it.
var chromium sharedBrowser

// sharedBrowser is a Chromium that the first test starts.
type sharedBrowser struct {
	once sync.Once
	ctx  context.Context // of the browser's own tab; tabs of tests descend from it
	err  error
	stop []func() // in order
}

// start returns the context to open tabs with.
func (b *sharedBrowser) start() (context.Context, error) {
	b.once.Do(func() { b.err = b.launch() })
	return b.ctx, b.err
}

func (b *sharedBrowser) launch() error {
	path := findChromium()
	if path == "" {
		return errors.New("this test looks at the pages in Chromium, which is not in PATH: apt-get install chromium")
	}
	profile, err := os.MkdirTemp("", "telltale-chromium-*")
	if err != nil {
		return fmt.Errorf("folder of the browser: %w", err)
	}
	allocator, free := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))...)
	ctx, cancel := chromedp.NewContext(allocator)
	b.ctx = ctx
	b.stop = []func(){cancel, free, func() { _ = os.RemoveAll(profile) }}
	if err := chromedp.Do(ctx); err != nil {
		return fmt.Errorf("start Chromium: %w", err)
	}
	return nil
}

// end stops the browser, if there is one.
func (b *sharedBrowser) end() {
	for _, stop := range b.stop {
		stop()
	}
}

func findChromium() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			return found
		}
	}
	return ""
}
