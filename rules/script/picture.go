package script

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"telltale/devices"
	"telltale/rules"
)

// A picture is the part of a time line around a moment, drawn as text: a row
// for each series that the rule reads, one for its alarm, and a mark where
// something else was expected.
const (
	pictureColumns = 60 // so that it fits a terminal beside its labels
	rulerEvery     = 10 // columns between two times of the ruler
	pictureDevices = 8  // rows for as many devices, when it is about all

	// pictureLegend says what the row of the alarm means.
	pictureLegend = ". normal  - pending  # active  = clearing  (blank: nothing known)"
)

// view is which instants a picture shows.
type view struct {
	from, to int // instants, to excluded
	per      int // instants in one column
}

func (v view) columns() int { return (v.to - v.from + v.per - 1) / v.per }

// around chooses a view of the test that shows an instant with the delays of
// the rule before and behind it.
func (p *play) around(at int, r *rules.Rule) view {
	n := p.test.length()
	before := max(30, int(r.For/p.every)+10)
	after := max(15, int(r.ClearFor/p.every)+5)
	v := view{from: max(0, min(at, n)-before), to: min(n, at+after)}
	v.per = max(1, (v.to-v.from+pictureColumns-1)/pictureColumns)
	return v
}

// pictureOf draws what an expectation is about.
func (p *play) pictureOf(ctx context.Context, e *expectation) []string {
	r, ok := p.set.Rule(e.alarm)
	if !ok || p.test.length() == 0 {
		return nil
	}
	at := int(e.at / p.every)
	v := p.around(at, r)
	d := p.test.subject(e.device)
	rows := append([]row{p.ruler(v)}, p.seriesRows(v, d, r)...)
	rows = append(rows, row{e.alarm, p.phases(ctx, v, r.ID, e.device), ""}, p.mark(v, at, e))
	return draw(rows)
}

// pictureOfAll draws a rule over the whole test, on every device.
func (p *play) pictureOfAll(ctx context.Context, rule string) []string {
	r, ok := p.set.Rule(rule)
	n := p.test.length()
	if !ok || n == 0 {
		return nil
	}
	v := view{to: n, per: max(1, (n+pictureColumns-1)/pictureColumns)}
	rows := []row{p.ruler(v)}
	for i, d := range p.test.devices {
		if i == pictureDevices {
			break
		}
		label := rule
		if len(p.test.devices) > 1 {
			label = string(d.id)
		}
		rows = append(rows, p.seriesRows(v, d, r)...)
		rows = append(rows, row{label, p.phases(ctx, v, rule, d.id), ""})
	}
	return draw(rows)
}

func (t *test) subject(id devices.ID) *subject {
	for _, d := range t.devices {
		if d.id == id {
			return d
		}
	}
	return nil
}

// row is one line of a picture: a label, the columns, and a note behind them.
type row struct{ label, columns, note string }

func draw(rows []row) []string {
	width, columns := 0, 0
	for _, r := range rows {
		width, columns = max(width, len([]rune(r.label))), max(columns, len([]rune(r.columns)))
	}
	var lines []string
	for _, r := range rows {
		line := fmt.Sprintf("%-*s  %s", width, r.label, r.columns)
		if r.note != "" {
			line += strings.Repeat(" ", columns-len([]rune(r.columns))) + "  " + r.note
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return append(lines, pictureLegend)
}

// ruler writes the time of every tenth column.
func (p *play) ruler(v view) row {
	var b strings.Builder
	for c := 0; c < v.columns(); c += rulerEvery {
		at := shortSpan(time.Duration(v.from+c*v.per) * p.every)
		fmt.Fprintf(&b, "%-*s", rulerEvery, "|"+at)
	}
	note := ""
	if v.per > 1 {
		note = fmt.Sprintf("a column is %s", shortSpan(time.Duration(v.per)*p.every))
	}
	return row{"", strings.TrimRight(b.String(), " "), note}
}

// mark points at where something else was expected.
func (p *play) mark(v view, at int, e *expectation) row {
	column := min((at-v.from)/v.per, v.columns())
	what := e.state
	if what == "" {
		what = "here,"
	}
	return row{"expected", strings.Repeat(" ", column) + "^ " + what + " at " + shortSpan(e.at), ""}
}

// phases plays the test once more and notes where the rule stood behind each
// instant. A column of several shows the gravest.
func (p *play) phases(ctx context.Context, v view, rule string, device devices.ID) string {
	again := &play{test: p.test, set: p.set, every: p.every, engine: rules.NewEngine(p.set), awaited: p.test.parcels()}
	columns := make([]int, v.columns())
	again.watch = func(i int) {
		if i < v.from || i >= v.to {
			return
		}
		state, _ := again.engine.State(device, rule)
		gravity := slices.Index([]string{"", "normal", "pending", "clearing", "active"}, state.Phase)
		c := (i - v.from) / v.per
		columns[c] = max(columns[c], gravity)
	}
	for i := range v.to {
		if ctx.Err() != nil {
			break
		}
		again.instant(ctx, i)
	}
	var b strings.Builder
	for _, gravity := range columns {
		b.WriteByte(" .-=#"[gravity])
	}
	return b.String()
}

// seriesRows draws what a device says of the metrics that a rule reads, or of
// all when it reads none, and its faults and status where it has a series.
func (p *play) seriesRows(v view, d *subject, r *rules.Rule) []row {
	if d == nil {
		return nil
	}
	reads := rules.MetricNames(r)
	var rows []row
	for _, name := range d.metrics() {
		if len(reads) == 0 || slices.Contains(reads, name) {
			rows = append(rows, valueRow(name, v, d.series[name]))
		}
	}
	if d.faults != nil {
		rows = append(rows, wordRow("faults", v, d.faults))
	}
	if d.status != nil {
		rows = append(rows, wordRow("status", v, d.status))
	}
	return rows
}

// bars draw a number between the least and the greatest of a picture.
const bars = "▁▂▃▄▅▆▇█"

// valueRow draws a series of numbers as bars; one with a text as words.
func valueRow(label string, v view, s *steps) row {
	low, high := math.Inf(1), math.Inf(-1)
	for i := v.from; i < v.to; i++ {
		one := s.at(i)
		if one == nil {
			continue
		}
		value := one.value()
		if value.IsLabel() {
			return wordRow(label, v, s)
		}
		low, high = math.Min(low, value.Number), math.Max(high, value.Number)
	}
	if low > high {
		return row{label, "", "no readings"}
	}
	all := []rune(bars)
	var b strings.Builder
	for c := range v.columns() {
		bar := ' '
		if value, ok := v.extreme(s, c, (low+high)/2); ok {
			bar = all[0]
			if high > low {
				bar = all[int(float64(len(all)-1)*(value-low)/(high-low))]
			}
		}
		b.WriteRune(bar)
	}
	note := shortNumber(low)
	if high > low {
		note += " to " + shortNumber(high)
	}
	return row{label, b.String(), note}
}

// extreme is the value of a column that lies farthest from the middle.
func (v view) extreme(s *steps, column int, middle float64) (value float64, found bool) {
	for i := v.from + column*v.per; i < min(v.to, v.from+(column+1)*v.per); i++ {
		if one := s.at(i); one != nil {
			n := one.value().Number
			if !found || math.Abs(n-middle) > math.Abs(value-middle) {
				value, found = n, true
			}
		}
	}
	return value, found
}

func shortNumber(f float64) string { return strconv.FormatFloat(f, 'g', 6, 64) }

// wordRow draws a series of words, a letter for each word.
func wordRow(label string, v view, s *steps) row {
	letters := make(map[string]byte)
	var legend []string
	var b strings.Builder
	for c := range v.columns() {
		letter := byte(' ')
		for i := v.from + c*v.per; i < min(v.to, v.from+(c+1)*v.per); i++ {
			one := s.at(i)
			if one == nil {
				continue
			}
			if _, known := letters[one.word]; !known {
				letters[one.word] = freeLetter(one.word, letters)
				legend = append(legend, fmt.Sprintf("%c %s", letters[one.word], one.word))
			}
			letter = letters[one.word]
		}
		b.WriteByte(letter)
	}
	return row{label, b.String(), strings.Join(legend, ", ")}
}

// freeLetter is a letter of the word that no other word has, or a digit, or
// else a question mark.
func freeLetter(word string, taken map[string]byte) byte {
	used := func(letter byte) bool {
		for _, other := range taken {
			if other == letter {
				return true
			}
		}
		return false
	}
	for _, candidates := range []string{word, "0123456789"} {
		for i := range len(candidates) {
			if c := candidates[i]; c > ' ' && c < 0x7f && !used(c) {
				return c
			}
		}
	}
	return '?'
}
