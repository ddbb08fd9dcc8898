package console

import (
	"fmt"
	"html/template"
	"regexp"
	"strings"
	"time"

	"telltale/devices"
)

// viewer is for whom a page is rendered: the moment and the zone that times
// are shown in.
type viewer struct {
	Now  time.Time
	Zone *time.Location
}

// exact prints a time to the second with its zone, for titles and evidence.
func (v viewer) exact(t time.Time) string {
	return t.In(v.Zone).Format("Mon 2 Jan 2006, 15:04:05 MST")
}

// short prints a time as briefly as it stays clear: the clock for today, the
// day for this year, the year otherwise.
func (v viewer) short(t time.Time) string {
	local, now := t.In(v.Zone), v.Now.In(v.Zone)
	switch {
	case local.Year() == now.Year() && local.YearDay() == now.YearDay():
		return local.Format("15:04")
	case local.Year() == now.Year():
		return local.Format("2 Jan 15:04")
	default:
		return local.Format("2 Jan 2006")
	}
}

// during says from when to when something is shown, with the days unless all is
// of today.
func (v viewer) during(from, to time.Time) string {
	day := func(t time.Time) string { return t.In(v.Zone).Format(time.DateOnly) }
	switch {
	case day(from) == day(to):
		return v.short(from) + " to " + to.In(v.Zone).Format("15:04")
	case day(to) == day(v.Now):
		return v.short(from) + " to " + to.In(v.Zone).Format("2 Jan 15:04")
	default:
		return v.short(from) + " to " + v.short(to)
	}
}

// Ago renders a time as an age that the page's script keeps current.
func (v viewer) Ago(t time.Time) template.HTML {
	return v.timeElement(t, "data-age", age(v.Now.Sub(t)))
}

// Past renders a time as an age within a sentence: "3 min ago".
func (v viewer) Past(t time.Time) template.HTML {
	return v.timeElement(t, "data-past", past(v.Now.Sub(t)))
}

// At renders a time of day, with the exact time as its title.
func (v viewer) At(t time.Time) template.HTML { return v.timeElement(t, "data-at", v.short(t)) }

// Exactly renders a time to the second; its zone is in the title.
func (v viewer) Exactly(t time.Time) template.HTML {
	return v.timeElement(t, "data-at", t.In(v.Zone).Format("2 Jan 2006, 15:04:05"))
}

// Precisely renders a time of day to the millisecond; its date and zone are in
// the title.
func (v viewer) Precisely(t time.Time) template.HTML {
	return v.timeElement(t, "data-at", t.In(v.Zone).Format("15:04:05.000"))
}

// timeElement builds the element around a time. Its text never holds markup.
func (v viewer) timeElement(t time.Time, attr, text string) template.HTML {
	if t.IsZero() {
		return "–"
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s" %s>%s</time>`, //nolint:gosec // made of formatted times only
		t.UTC().Format(time.RFC3339), v.exact(t), attr, text))
}

// utcTime finds the times that sentences of ours hold: "2026-11-22 07:30 UTC",
// with or without seconds, with or without the day.
var utcTime = regexp.MustCompile(`\b(?:\d{4}-\d{2}-\d{2} )?\d{2}:\d{2}(?::\d{2})? UTC\b`)

// Text renders a sentence that was stored for everybody with its times in the
// viewer's zone and its numbers kept with their units. Everything else in it
// stays text.
func (v viewer) Text(sentence string) template.HTML {
	var b strings.Builder
	rest := sentence
	for {
		at := utcTime.FindStringIndex(rest)
		if at == nil {
			break
		}
		b.WriteString(template.HTMLEscapeString(together(rest[:at[0]])))
		b.WriteString(v.localised(rest[at[0]:at[1]]))
		rest = rest[at[1]:]
	}
	b.WriteString(template.HTMLEscapeString(together(rest)))
	return template.HTML(b.String()) //nolint:gosec // every part is escaped
}

// localised turns one time of a sentence into an element; what is no time
// after all stays as it is.
func (v viewer) localised(text string) string {
	for _, layout := range []string{"2006-01-02 15:04:05 MST", "2006-01-02 15:04 MST"} {
		if t, err := time.Parse(layout, text); err == nil {
			return string(v.timeElement(t, "data-at", v.short(t)))
		}
	}
	for _, layout := range []string{"15:04:05 MST", "15:04 MST"} {
		if clock, err := time.Parse(layout, text); err == nil {
			// The day is not said; today's offset is right but for the days
			// between a change of the clocks and now.
			y, m, d := v.Now.UTC().Date()
			at := time.Date(y, m, d, clock.Hour(), clock.Minute(), clock.Second(), 0, time.UTC)
			return at.In(v.Zone).Format(strings.TrimSuffix(layout, " MST"))
		}
	}
	return text
}

// Span prints how long something lasted or has lasted until now.
func (v viewer) Span(from, to time.Time) string {
	if to.IsZero() {
		to = v.Now
	}
	return span(to.Sub(from))
}

// Lasting says for how long the condition of an alarm has held or held; one that
// was withdrawn never was one.
func (v viewer) Lasting(raised, cleared, withdrawn time.Time) string {
	switch {
	case !withdrawn.IsZero():
		return "Withdrawn"
	case cleared.IsZero():
		return "Active for " + v.Span(raised, cleared)
	default:
		return "Lasted " + v.Span(raised, cleared)
	}
}

// age prints how long ago something was, in one unit, as the page's script does
// when it keeps it current.
func age(d time.Duration) string {
	switch {
	case d < 0:
		return "in " + age(-d)
	case d < 5*time.Second:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("%d%ss", int(d.Seconds()), thin)
	case d < time.Hour:
		return fmt.Sprintf("%d%smin", int(d.Minutes()), thin)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d%sh", int(d.Hours()), thin)
	default:
		return fmt.Sprintf("%d%sd", int(d.Hours())/24, thin)
	}
}

// past is age within a sentence.
func past(d time.Duration) string {
	switch text := age(d); {
	case text == "now":
		return "just now"
	case d < 0:
		return text
	default:
		return text + " ago"
	}
}

// span prints how long something lasted, each number kept with its unit:
// "7 h 12 min".
func span(d time.Duration) string {
	if d < 0 {
		return minus(span(-d))
	}
	return together(devices.Span(d))
}

// seconds prints a number of seconds as a duration.
func seconds(s float64) string { return span(time.Duration(s * float64(time.Second))) }
