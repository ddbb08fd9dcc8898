package console

import (
	"fmt"
	"html/template"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"telltale/devices"
	"telltale/devices/shipments"
	"telltale/ingest/loggerfile"
	"telltale/rules"
	"telltale/tickets"
	"telltale/tickets/recalls"
)

// functions are what templates call. They only format; what a page shows is
// decided by its handler.
func (p *pages) functions() template.FuncMap {
	return template.FuncMap{
		"asset": p.assets.url,
		"icon":  p.icon,
		"bar":   bar,
		"in":    func(list []string, one any) bool { return slices.Contains(list, fmt.Sprint(one)) },
		"level": func(v any) string { return url.PathEscape(fmt.Sprint(v)) }, // of an address: ids of devices may have a slash

		"words":    func(v any) string { return words(fmt.Sprint(v)) },
		"title":    func(v any) string { return title(fmt.Sprint(v)) },
		"initials": initials,
		"email":    emailText,
		"count":    func(v any) string { return count(integer(v)) },
		"plural":   func(n any, word string) string { return plural(integer(n), word) },
		"together": together,
		"seconds":  seconds,
		"celsius":  celsius,
		"percent":  func(share float64) string { return decimal(math.Floor(share*1000)/10) + thin + "%" },
		"span":     func(d time.Duration) string { return span(d) },

		"noise":    noiseBars,
		"capital":  capital,
		"before":   func(n int) int { return n - 1 },
		"next":     func(n int) int { return n + 1 },
		"share":    share,
		"sentence": sentence,

		"statusColour":   statusColour,
		"verdictColour":  verdictColour,
		"verdictWord":    verdictWord,
		"severityColour": severityColour,
		"recallColour":   func(v any) string { return recallColour(recalls.Status(fmt.Sprint(v))) },
		"presenceColour": presenceColour,
		"noticeColour":   noticeColour,
		"loggerAlarm":    loggerAlarmSentence,
		"computed":       computedValues,
	}
}

// emailText lets an address that is too long for its line end it behind the @.
func emailText(address string) template.HTML {
	return template.HTML(strings.Replace(template.HTMLEscapeString(address), "@", "@<wbr>", 1)) //nolint:gosec // escaped
}

// loggerAlarmSentence says what a logger noted.
func loggerAlarmSentence(a loggerfile.Alarm) string {
	switch {
	case a.Kind == "sensor_timeout":
		return "No answer from the sensor for " + span(a.Total)
	case a.Allowed == 0:
		return fmt.Sprintf("%s %s for %s", title(a.Kind), celsius(a.Limit), span(a.Total))
	default:
		return fmt.Sprintf("%s %s for %s, %s allowed", title(a.Kind), celsius(a.Limit), span(a.Total), span(a.Allowed))
	}
}

func integer(v any) int64 {
	switch v := v.(type) {
	case int:
		return int64(v)
	case int64:
		return v
	default:
		panic(fmt.Sprintf("console: %T is not a count", v))
	}
}

// icon draws a symbol of static/icons.svg. It is decoration: whoever uses it
// says in text what it means.
func (p *pages) icon(name any) template.HTML {
	return template.HTML(fmt.Sprintf(`<svg class="icon" aria-hidden="true"><use href="%s#%s"/></svg>`, //nolint:gosec // escaped
		p.assets.url("icons.svg"), template.HTMLEscapeString(fmt.Sprint(name))))
}

// bar draws a share between 0 and 1 as a bar. The numbers stand beside it, so
// it is hidden from screen readers.
func bar(share float64, colour string) template.HTML {
	percent := math.Min(math.Max(share, 0), 1) * 100
	if percent > 0 && percent < 1 {
		percent = 1 // a sliver is not nothing
	}
	return template.HTML(fmt.Sprintf( //nolint:gosec // a number and a word of ours
		`<svg class="bar" aria-hidden="true"><rect class="%s" width="%.1f%%" height="100%%"/></svg>`,
		template.HTMLEscapeString(colour), percent))
}

// part is one stretch of a bar of several.
type part struct {
	Name     string
	Quantity int64
	Colour   string
}

// partsBar draws parts of a whole beside each other.
func partsBar(parts []part, whole int64) template.HTML {
	if whole <= 0 {
		return bar(0, "")
	}
	out := `<svg class="bar" aria-hidden="true">`
	at := 0.0
	for _, p := range parts {
		width := float64(p.Quantity) / float64(whole) * 100
		out += fmt.Sprintf(`<rect class="%s" x="%.2f%%" width="%.2f%%" height="100%%"/>`, p.Colour, at, width)
		at += width
	}
	return template.HTML(out + "</svg>") //nolint:gosec // numbers and words of ours
}

func statusColour(s tickets.Status) string {
	switch s {
	case tickets.New:
		return "blue"
	case tickets.Open:
		return "amber"
	case tickets.Pending, tickets.OnHold:
		return "violet"
	case tickets.Solved:
		return "green"
	default:
		return ""
	}
}

func verdictColour(v shipments.Verdict) string {
	switch v {
	case shipments.OK:
		return "green"
	case shipments.Review:
		return "amber"
	case shipments.Reject:
		return "red"
	default:
		return "hollow"
	}
}

// verdictWord is a verdict as people say it.
func verdictWord(v shipments.Verdict) string {
	switch v {
	case shipments.OK:
		return "OK"
	case shipments.Review:
		return "Review"
	case shipments.Reject:
		return "Reject"
	default:
		return "Unknown"
	}
}

func severityColour(s rules.Severity) string {
	switch s {
	case rules.Critical:
		return "red"
	case rules.Major:
		return "amber"
	case rules.Minor:
		return "blue"
	default:
		return ""
	}
}

func recallColour(s recalls.Status) string {
	switch s {
	case recalls.Proposed:
		return "red"
	case recalls.Approved, recalls.Executing:
		return "amber"
	case recalls.Closed:
		return "green"
	default:
		return ""
	}
}

func presenceColour(p devices.Presence) string {
	switch p {
	case devices.Online:
		return "green"
	case devices.Late:
		return "amber"
	case devices.Offline:
		return "red"
	default:
		return "hollow"
	}
}

func noticeColour(notice string) string {
	switch notice {
	case "delivered":
		return "green"
	case "sent":
		return "blue"
	case "failed":
		return "red"
	default:
		return "hollow"
	}
}
