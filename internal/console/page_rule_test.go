package console

import (
	"strings"
	"testing"

	"telltale/internal/views"
)

func TestARuleHasAPage(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	page := r.visit(r.as("vera"), 200, "/rules/fridge-warm")
	text := said(page)
	for _, want := range []string{
		"Raises an alarm when temperature is above 8 °C, for 10 minutes.", "becomes critical after 30 minutes",
		"Opens a ticket of high priority for the team appliances, with the article KB-7.",
		"5 alarms in 8 weeks, 5 in all", "Over within 10 min", "0 of 5 (0 %)", "Loudest: fridge-01 (1), fridge-03 (1), fridge-04 (1).",
		"1 test passed", "nine warm minutes are a defrost, eleven are an alarm", "FR-*: 6 devices", "Version 1 by test",
		"kind: Rule id: fridge-warm title: Compartment too warm applies_to: {models: [FR-*]} when: temperature > 8 for: 10m",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	for _, want := range []string{`href="/rules/fridge-warm/backtest"`, `aria-label="Alarms in each of the last 8 weeks, oldest first: 0, 0, 0, 0, 0, 0, 0, 5"`} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if text := said(r.visit(r.as("vera"), 200, "/rules/compressor-drift")); !strings.Contains(text, "It has not raised an alarm yet.") || !strings.Contains(text, "The rule carries no tests.") {
		t.Error(text)
	}
}

func TestRulesAreNarrowedAndOrdered(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	vera := r.as("vera")
	for query, want := range map[string]string{
		"":                     "freezer-warm drain-fault fridge-warm door-open silent compressor-drift",
		"?sort=noise":          "fridge-warm door-open drain-fault freezer-warm silent compressor-drift",
		"?sort=raised":         "freezer-warm fridge-warm door-open drain-fault silent compressor-drift",
		"?sort=name":           "fridge-warm compressor-drift door-open drain-fault freezer-warm silent",
		"?state=shadow":        "compressor-drift",
		"?state=alarm&sort=x":  "freezer-warm drain-fault fridge-warm silent",
		"?q=FR-&state=live":    "fridge-warm door-open",
		"?q=TEMPERATURE":       "freezer-warm fridge-warm",
		"?q=nothing":           "",
		"?after=door-open":     "silent compressor-drift",
		"?state=none&q=silent": "silent",
	} {
		var got []string
		for _, part := range strings.Split(r.visit(vera, 200, "/rules"+query), `id="row-`)[1:] {
			id, _, _ := strings.Cut(part, `"`)
			got = append(got, id)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", query, got, want)
		}
	}
}

func TestLongListsOfRulesAreCut(t *testing.T) {
	t.Parallel()
	lines := make([]ruleLine, views.DefaultLimit+1)
	for i := range lines {
		lines[i].ID = strings.Repeat("a", i+1)
	}
	first, next := stretchOf(lines, "")
	second, end := stretchOf(lines, next)
	if len(first) != views.DefaultLimit || len(second) != 1 || end != "" {
		t.Errorf("%d and %d rules, then %q", len(first), len(second), end)
	}
}

func TestDifferencesAreLineByLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ before, after, want string }{
		"a changed line":    {"a\nb\nc\n", "a\nx\nc\n", " 1 1 a|- 2 0 b|+ 0 2 x| 3 3 c"},
		"nothing":           {"a\n", "a\n", ""},
		"from nothing":      {"", "a\nb\n", "+ 0 1 a|+ 0 2 b"},
		"to nothing":        {"a\n", "", "- 1 0 a"},
		"a line at the end": {"a\n", "a\nb\n", " 1 1 a|+ 0 2 b"},
	} {
		var got []string
		for _, l := range diffTexts(c.before, c.after) {
			got = append(got, strings.TrimPrefix(strings.Join([]string{l.Sign, decimal(float64(l.Old)), decimal(float64(l.New)), l.Text}, " "), " "))
		}
		if strings.Join(got, "|") != c.want {
			t.Errorf("%s: %s, want %s", name, strings.Join(got, "|"), c.want)
		}
	}
}

// FuzzDiffTexts: what is left and what was removed is the old text, what is
// left and what was added the new one.
func FuzzDiffTexts(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nx\nc\n")
	f.Add("", "é\n\n")
	f.Fuzz(func(t *testing.T, before, after string) {
		if strings.ContainsRune(before+after, '\r') || !storable(before) || !storable(after) {
			return
		}
		lines := diffTexts(before, after)
		if lines == nil {
			if before != after {
				t.Errorf("%q and %q differ", before, after)
			}
			return
		}
		var old, new strings.Builder
		for _, l := range lines {
			if l.Sign != "+" {
				old.WriteString(l.Text + "\n")
			}
			if l.Sign != "-" {
				new.WriteString(l.Text + "\n")
			}
		}
		whole := func(s string) string { return strings.TrimRight(s, "\n") }
		if whole(old.String()) != whole(before) || whole(new.String()) != whole(after) {
			t.Errorf("%q to %q became %q to %q", before, after, old.String(), new.String())
		}
	})
}
