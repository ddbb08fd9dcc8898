package declare_test

import (
	"path/filepath"
	"strings"
	"testing"

	"telltale/internal/declare"
)

// TestLintFindsEverythingAtOnce compares lint/x.bad.yaml with lint/x.bad.txt:
// all faults, in the order they stand in.
func TestLintFindsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	for _, name := range files(t, "testdata/lint/*.bad.yaml") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			set, _, err := declare.Lint(name)
			if err == nil {
				t.Fatalf("accepted, with %d rules", len(set.Rules))
			}
			golden(t, strings.TrimSuffix(name, ".yaml")+".txt", err.Error()+"\n")
		})
	}
}

// TestLintWarnsOfWhatIsProbablyNotMeant compares lint/x.good.yaml with
// lint/x.good.txt, which is empty where there is nothing to say.
func TestLintWarnsOfWhatIsProbablyNotMeant(t *testing.T) {
	t.Parallel()
	for _, name := range files(t, "testdata/lint/*.good.yaml") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			_, warnings, err := declare.Lint(name)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(name, ".yaml")+".txt", warnings.Error())
		})
	}
}

func TestLintSortsTheFaultsOfSeveralFiles(t *testing.T) {
	t.Parallel()
	const model = "{kind: Model, id: M, metrics: {temperature: {unit: Cel}}}"
	_, _, err := declare.LintSources(
		declare.Source{Name: "b.yaml", Text: []byte("{kind: Rule, id: late, when: temprature > 8}")},
		declare.Source{Name: "a.yaml", Text: []byte(model + "\n---\n{kind: Rule, id: first, when: temperature > 8, fro: 3}\n---\n[")},
	)
	want := `a.yaml:3:48: Rule first: unknown key "fro" (did you mean "for"?)
a.yaml:5: this is not YAML: did not find expected node content
b.yaml:1:30: Rule late: when: unknown metric "temprature" (did you mean "temperature"?)`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// FuzzLint: whatever stands in a file, the linter neither panics nor finds
// good what the reader refuses.
func FuzzLint(f *testing.F) {
	for _, seed := range []string{
		"kind: Rule\nid: r\nwhen: >\n  temperature > 8\n   and\n\n  x\nfor: 3", "{kind: Model, id: M, metrics: {t: {unit: Cel}}}\n---\n{kind: Rule, id: r, when: \"t > \\u0038\", for: x}",
		"kind: Rule\nid: r\nwhen: 'a''b'\napplies_to: {models: [']']}", "kind: Rule\nid: r\nwhen: silent(\"1m\")\ninhibited_by: [s]\n---\nkind: Rule\nid: s\nwhen: |2\n   x",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		source := declare.Source{Name: "f.yaml", Text: text}
		_, parsed := declare.ParseSources(source)
		_, _, err := declare.LintSources(source)
		if err == nil && parsed != nil {
			t.Errorf("the reader says %v, the linter nothing", parsed)
		}
	})
}
