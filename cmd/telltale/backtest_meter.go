package main

import (
	"fmt"
	"io"
	"time"

	"telltale/rules/backtest"
)

// meter draws how far a backtest is, on a terminal and nowhere else.
type meter struct {
	out      io.Writer // nil: nobody looks
	estimate func(backtest.Progress) int64
	started  time.Time
	drawn    time.Time
}

// redraw is the least distance of two drawings.
const redraw = 100 * time.Millisecond

func newMeter(out io.Writer) *meter {
	m := &meter{started: time.Now(), estimate: func(p backtest.Progress) int64 { return p.Total }}
	if isTerminal(out) {
		m.out = out
	}
	return m
}

func (m *meter) show(p backtest.Progress) {
	now := time.Now()
	if m.out == nil || now.Sub(m.drawn) < redraw {
		return
	}
	m.drawn = now
	fmt.Fprint(m.out, "\r\x1b[K", meterText(p, m.estimate(p), now.Sub(m.started)))
}

// meterText is one line: how many of about how many readings, and how fast.
// While a file is read nothing is played yet.
func meterText(p backtest.Progress, total int64, took time.Duration) string {
	done, what := p.Played, "played"
	if done == 0 {
		done, what = p.Read, "read"
	}
	rate := float64(done) / max(took.Seconds(), 0.001)
	if total <= 0 {
		return fmt.Sprintf("%d readings %s, %.0f/s", done, what, rate)
	}
	return fmt.Sprintf("%s  %d of about %d readings %s, %.0f/s", bar(min(1, float64(done)/float64(total))), done, total, what, rate)
}

// end wipes the line.
func (m *meter) end() {
	if m.out != nil && !m.drawn.IsZero() {
		fmt.Fprint(m.out, "\r\x1b[K")
	}
}
