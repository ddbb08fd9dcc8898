package console

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"telltale/devices"
)

// thin is a narrow no-break space: it keeps a number and its unit together.
const thin = "\u202f"

// numberWithUnit finds a number with its unit in a sentence of ours.
var numberWithUnit = regexp.MustCompile(`(\d) (d|h|min|s|ms|K|W|kW|%|°C|°F)($|[^\pL\d])`)

// hyphenNumber finds a number below zero as the packages below write it.
var hyphenNumber = regexp.MustCompile(`(^|[\s(])-(\d)`)

// together sets a sentence as the pages set their own numbers: each stays with
// its unit, so that no line ends between them, and one below zero has a minus.
func together(sentence string) string {
	sentence = hyphenNumber.ReplaceAllString(sentence, "${1}"+minus("${2}"))
	return numberWithUnit.ReplaceAllString(sentence, "${1}"+thin+"${2}${3}")
}

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
	if sign := devices.UnitSymbol(m.Unit); sign != "" {
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
