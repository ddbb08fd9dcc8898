package console

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestTextStandsOutFromItsGround checks the colours of both themes against
// WCAG 2.2, success criteria 1.4.3 (4.5 to 1 for text) and 1.4.11 (3 to 1 for
// the borders of fields and the marks in charts).
func TestTextStandsOutFromItsGround(t *testing.T) {
	t.Parallel()
	css, err := staticFiles.ReadFile("static/app.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, _ := strings.Cut(string(css), "@media (prefers-color-scheme: dark)")
	dark, _, _ = strings.Cut(dark, "/* ---- base ---- */")
	light, _, _ = strings.Cut(light, "/* ---- base ---- */")
	for theme, tokens := range map[string]map[string]string{"light": colours(light), "dark": colours(dark)} {
		pairs := [][2]string{{"on-primary", "primary"}}
		for _, ground := range []string{"page", "surface", "sunken", "hover"} {
			for _, text := range []string{"text", "muted", "blue", "red"} {
				pairs = append(pairs, [2]string{text, ground})
			}
		}
		for _, name := range []string{"red", "amber", "green", "blue", "grey", "violet"} {
			pairs = append(pairs, [2]string{name, name + "-tint"})
		}
		pairs = append(pairs, [2]string{"muted", "blue-tint"}, [2]string{"text", "blue-tint"})
		for _, pair := range pairs {
			if ratio := contrast(t, tokens[pair[0]], tokens[pair[1]]); ratio < 4.5 {
				t.Errorf("%s: %s on %s has a contrast of %.2f", theme, pair[0], pair[1], ratio)
			}
		}
		for _, mark := range []string{"field", "focus", "red-mark", "green-mark", "blue-mark", "grey-mark", "violet-mark"} {
			if ratio := contrast(t, tokens[mark], tokens["surface"]); ratio < 3 {
				t.Errorf("%s: %s on the surface has a contrast of %.2f", theme, mark, ratio)
			}
		}
	}
}

// colours reads the custom properties of a theme that are colours.
func colours(css string) map[string]string {
	found := map[string]string{}
	for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6})`).FindAllStringSubmatch(css, -1) {
		found[m[1]] = m[2]
	}
	return found
}

// contrast is the ratio of two colours' relative luminance.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	var sum float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		if len(colour) != 7 {
			t.Fatalf("%q is not a colour", colour)
		}
		part, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatalf("%q is not a colour", colour)
		}
		c := float64(part) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
