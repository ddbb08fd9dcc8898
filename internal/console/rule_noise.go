package console

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"telltale/internal/views"
)

// Drawings of alarms per week: columns in a box of eight by twenty units,
// which the style sheet gives its size.
const (
	noiseColumn = 8
	noiseHeight = 20
)

// noiseBars draws a rule's alarms per week as columns, this week's in the
// colour of a choice. Its numbers are in its accessible name.
func noiseBars(weeks [views.NoiseWeeks]int64) template.HTML {
	top := max(slices.Max(weeks[:]), 1)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="noise" viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-label="%s">`,
		noiseColumn*views.NoiseWeeks, noiseHeight, noiseWords(weeks))
	for i, n := range weeks {
		height, class := float64(n)/float64(top)*noiseHeight, ""
		switch {
		case n == 0:
			height, class = 1, ` class="none"`
		case height < 2:
			height = 2 // a sliver is not nothing
		}
		if n > 0 && i == views.NoiseWeeks-1 {
			class = ` class="now"`
		}
		fmt.Fprintf(&b, `<rect%s x="%d" y="%.1f" width="%d" height="%.1f"/>`,
			class, i*noiseColumn+1, noiseHeight-height, noiseColumn-2, height)
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // numbers and words of ours
}

// noiseWords says what the columns show.
func noiseWords(weeks [views.NoiseWeeks]int64) string {
	texts := make([]string, len(weeks))
	for i, n := range weeks {
		texts[i] = fmt.Sprint(n)
	}
	return fmt.Sprintf("Alarms in each of the last %d weeks, oldest first: %s", len(weeks), strings.Join(texts, ", "))
}

// noiseWeek is one column of the drawing, as a table shows it.
type noiseWeek struct {
	From, To time.Time
	Alarms   int64
}

// noiseWeeks dates the columns; the last ends now.
func noiseWeeks(weeks [views.NoiseWeeks]int64, now time.Time) []noiseWeek {
	const week = 7 * 24 * time.Hour
	all := make([]noiseWeek, len(weeks))
	for i, n := range weeks {
		to := now.Add(-time.Duration(len(weeks)-1-i) * week)
		all[i] = noiseWeek{to.Add(-week), to, n}
	}
	return all
}

// share prints n of a whole as people compare it: "12 of 31 (39 %)".
func share(n, whole int64) string {
	if whole == 0 {
		return "none"
	}
	return fmt.Sprintf("%s of %s (%d%s%%)", count(n), count(whole), (n*100+whole/2)/whole, thin)
}
