package tickets

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"telltale/devices"
)

// placeholders are the names a subject may use, besides values.NAME.
func placeholders() []string {
	return []string{
		"device.id", "device.serial", "device.site", "device.model", "rule.title",
		"fault.code", "fault.title", "severity", "customer.name",
	}
}

const (
	valuesPrefix = "values."
	unknownText  = "unknown" // what a placeholder without a value prints
	subjectRunes = 200       // bound of a rendered subject
)

// piece is a part of a template: literal text, or the name of a placeholder.
type piece struct {
	text string
	name string // "": the piece is text
}

// CheckTemplate reports what is wrong with a subject template: a placeholder
// that does not exist, or one that is not closed. The empty template is fine.
func CheckTemplate(template string) error {
	_, err := parseTemplate(template)
	return err
}

// parseTemplate cuts a template into pieces. Text outside {{ }} stands for
// itself; there is no way to write a literal "{{".
func parseTemplate(template string) ([]piece, error) {
	var pieces []piece
	for rest := template; rest != ""; {
		text, after, found := strings.Cut(rest, "{{")
		if text != "" {
			pieces = append(pieces, piece{text: text})
		}
		if !found {
			break
		}
		name, following, closed := strings.Cut(after, "}}")
		if !closed {
			return nil, fmt.Errorf("placeholder {{%s is not closed with }}", shorten(after, 20))
		}
		name = strings.TrimSpace(name)
		if err := checkPlaceholder(name); err != nil {
			return nil, err
		}
		pieces = append(pieces, piece{name: name})
		rest = following
	}
	return pieces, nil
}

func checkPlaceholder(name string) error {
	if slices.Contains(placeholders(), name) {
		return nil
	}
	if metric, ok := strings.CutPrefix(name, valuesPrefix); ok && isMetricName(metric) {
		return nil
	}
	return fmt.Errorf("unknown placeholder {{%s}} (there are %s and values.NAME)",
		shorten(name, 40), strings.Join(placeholders(), ", "))
}

func isMetricName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || r == '{' || r == '}'
	})
}

// render fills a template. Texts are looked up by placeholder; values are
// printed with at most three decimals. What is not known prints "unknown". A
// template that does not parse is returned as it stands: it was checked when
// it was declared, and a ticket matters more than its subject.
func render(template string, texts map[string]string, values map[string]devices.Value) string {
	pieces, err := parseTemplate(template)
	if err != nil {
		return oneLine(template)
	}
	var b strings.Builder
	for _, p := range pieces {
		metric, isValue := strings.CutPrefix(p.name, valuesPrefix)
		switch {
		case p.name == "":
			b.WriteString(p.text)
		case isValue:
			b.WriteString(valueText(values, metric))
		case texts[p.name] == "":
			b.WriteString(unknownText)
		default:
			b.WriteString(texts[p.name])
		}
	}
	return oneLine(b.String())
}

func valueText(values map[string]devices.Value, metric string) string {
	v, ok := values[metric]
	switch {
	case !ok || math.IsNaN(v.Number) || math.IsInf(v.Number, 0):
		return unknownText
	case v.IsLabel():
		return v.Label
	default:
		return numberText(v.Number)
	}
}

// numberText prints a number for a sentence: three decimals at most, three
// significant digits below one, no trailing zeros.
func numberText(f float64) string {
	abs := math.Abs(f)
	switch {
	case f == 0:
		return "0"
	case abs >= 1e15 || abs < 1e-6:
		return strconv.FormatFloat(f, 'g', 4, 64)
	case abs < 1:
		digits := 2 - int(math.Floor(math.Log10(abs)))
		return trimZeros(strconv.FormatFloat(f, 'f', digits, 64))
	default:
		return trimZeros(strconv.FormatFloat(f, 'f', 3, 64))
	}
}

func trimZeros(s string) string {
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// oneLine makes s fit for a heading: one line, no control characters, bounded.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, clean(s))
	return shorten(strings.Join(strings.Fields(s), " "), subjectRunes)
}

// clean makes s storable as text: valid UTF-8 without NUL.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// shorten cuts s to at most n runes.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + "…"
}
