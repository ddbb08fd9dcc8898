package console

import (
	"fmt"
	"html/template"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"telltale/devices"
)

// thin is a narrow no-break space: it keeps a number and its unit together.
const thin = "\u202f"

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

// Ago renders a time as an age that the page's script keeps current.
func (v viewer) Ago(t time.Time) template.HTML {
	return v.timeElement(t, "data-age", age(v.Now.Sub(t)))
}

// At renders a time of day, with the exact time as its title.
func (v viewer) At(t time.Time) template.HTML { return v.timeElement(t, "data-at", v.short(t)) }

// Exactly renders a time to the second; its zone is in the title.
func (v viewer) Exactly(t time.Time) template.HTML {
	return v.timeElement(t, "data-at", t.In(v.Zone).Format("2 Jan 2006, 15:04:05"))
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
// with or without seconds.
var utcTime = regexp.MustCompile(`\b\d{4}-\d{2}-\d{2} \d{2}:\d{2}(?::\d{2})? UTC\b`)

// Text renders a sentence that was stored for everybody with its times in the
// viewer's zone. Everything else in it stays text.
func (v viewer) Text(sentence string) template.HTML {
	var b strings.Builder
	rest := sentence
	for {
		at := utcTime.FindStringIndex(rest)
		if at == nil {
			break
		}
		b.WriteString(template.HTMLEscapeString(rest[:at[0]]))
		b.WriteString(v.localised(rest[at[0]:at[1]]))
		rest = rest[at[1]:]
	}
	b.WriteString(template.HTMLEscapeString(rest))
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
	return text
}

// Span prints how long something lasted or has lasted until now.
func (v viewer) Span(from, to time.Time) string {
	if to.IsZero() {
		to = v.Now
	}
	return span(to.Sub(from))
}

// age prints how long ago something was, in one unit.
func age(d time.Duration) string {
	switch {
	case d < 0:
		return "in " + age(-d)
	case d < 5*time.Second:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	default:
		return fmt.Sprintf("%dd", int(d.Hours())/24)
	}
}

// span prints a duration in its two largest units: "7 h 12 min".
func span(d time.Duration) string {
	if d < 0 {
		return minus(span(-d))
	}
	total := int64(math.Round(d.Seconds()))
	parts := []struct {
		n    int64
		unit string
	}{{total / 86400, "d"}, {total / 3600 % 24, "h"}, {total / 60 % 60, "min"}, {total % 60, "s"}}
	for i, p := range parts {
		if p.n == 0 && i < len(parts)-1 {
			continue
		}
		out := fmt.Sprintf("%d%s%s", p.n, thin, p.unit)
		if i+1 < len(parts) && parts[i+1].n > 0 {
			out += fmt.Sprintf(" %d%s%s", parts[i+1].n, thin, parts[i+1].unit)
		}
		return out
	}
	return ""
}

// seconds prints a number of seconds as a duration.
func seconds(s float64) string { return span(time.Duration(s * float64(time.Second))) }

// minus puts a typographic minus before a number's text.
func minus(text string) string { return "\u2212" + text }

// decimal prints a number with at most two decimals, without trailing zeros.
func decimal(f float64) string {
	text := strconv.FormatFloat(math.Round(f*100)/100, 'f', -1, 64)
	if rest, negative := strings.CutPrefix(text, "-"); negative {
		if rest == "0" {
			return rest
		}
		return minus(rest)
	}
	return text
}

// celsius prints a temperature with its unit.
func celsius(f float64) string { return decimal(f) + thin + "°C" }

// unitSigns are UCUM codes whose sign for people differs from the code.
var unitSigns = map[string]string{ //nolint:gochecknoglobals // a constant table
	"Cel": "°C", "[degF]": "°F", "K": "K", "kW.h": "kWh", "W.h": "Wh", "ug/m3": "µg/m³", "m3": "m³", "m3/h": "m³/h",
	"dB[SPL]": "dB", "[ppm]": "ppm", "[RPM]": "rpm", "{count}": "", "1": "", "bool": "",
}

// unitSign returns how people write a unit; "" for switches and bare counts.
func unitSign(ucum string) string {
	if sign, ok := unitSigns[ucum]; ok {
		return sign
	}
	return ucum
}

// quantity prints a value the way its metric is read: with its unit, or as
// yes and no for a switch.
func quantity(v devices.Value, m devices.Metric) string {
	if v.IsLabel() {
		return v.Label
	}
	if m.Unit == "bool" {
		if v.Number != 0 {
			return "yes"
		}
		return "no"
	}
	if sign := unitSign(m.Unit); sign != "" {
		return decimal(v.Number) + thin + sign
	}
	return decimal(v.Number)
}

// metricName is a metric's name in words, without the unit that many devices
// end it with: "compressor_w" in watts is "compressor".
func metricName(m devices.Metric) string {
	name, suffix := m.Name, "_"+strings.ToLower(m.Unit)
	if len(name) > len(suffix) && strings.HasSuffix(name, suffix) {
		name = strings.TrimSuffix(name, suffix)
	}
	return words(name)
}

// words turns an identifier into words: "door_open" is "door open".
func words(identifier string) string {
	return strings.ReplaceAll(identifier, "_", " ")
}

// title is words with a capital.
func title(identifier string) string {
	text := words(identifier)
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return strings.ToUpper(string(first)) + text[size:]
}

// initials returns up to two capitals for a person.
func initials(name string) string {
	var out []rune
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == '.' || r == '-' || r == '_' }) {
		first, _ := utf8.DecodeRuneInString(word)
		out = append(out, []rune(strings.ToUpper(string(first)))[0])
		if len(out) == 2 {
			break
		}
	}
	return string(out)
}

// count prints an integer with thousands apart.
func count(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + thin + text[i:]
	}
	return text
}

// plural chooses the word for n things: plural(2, "ticket") is "2 tickets".
func plural(n int64, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return count(n) + " " + word + "s"
}

// payloadText shows bytes from outside: as they are when they are readable
// text, otherwise as a hex dump. The second value says which it was.
func payloadText(payload []byte) (text, form string) {
	const limit = 4096
	shown := payload
	if len(payload) > limit {
		shown = payload[:limit]
		for len(shown) > limit-utf8.UTFMax && !utf8.Valid(shown) {
			shown = shown[:len(shown)-1] // the cut may have split a character
		}
	}
	if utf8.Valid(shown) && !strings.ContainsFunc(string(shown), unprintable) {
		return string(shown), "text"
	}
	var b strings.Builder
	for start := 0; start < len(shown); start += 16 {
		fmt.Fprintf(&b, "%04x  % x\n", start, shown[start:min(start+16, len(shown))])
	}
	return b.String(), "hex"
}

func unprintable(r rune) bool {
	return r == utf8.RuneError || r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0x7f
}
