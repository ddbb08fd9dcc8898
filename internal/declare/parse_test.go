package declare_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"telltale/internal/declare"
)

// folder makes a folder of files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestAFolderStandsForItsYAMLFiles(t *testing.T) {
	t.Parallel()
	const article = "{kind: Article, title: t, body: b, id: "
	dir := folder(t, map[string]string{
		"b.yaml":          article + "B}",
		"a.yml":           article + "A}",
		"sub/c.yaml":      article + "C}",
		"fridge.rt.yaml":  "rules: [a.yml]\ntests: []\n",
		"README.md":       "kind: Nonsense",
		".hidden.yaml":    "kind: Nonsense",
		".git/x.yaml":     "kind: Nonsense",
		"sub/.d/more.yml": "kind: Nonsense",
	})
	set, err := declare.Parse(dir)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, ref := range set.Refs() {
		ids = append(ids, ref.ID)
	}
	if diff := cmp.Diff([]string{"A", "B", "C"}, ids); diff != "" {
		t.Errorf("articles (-want +got):\n%s", diff)
	}
}

func TestARuleScriptThatIsNamedIsRefused(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"script.yaml": "# about the fridge\nrules: [a.yml]\ntests: []\n"})
	_, err := declare.Parse(filepath.Join(dir, "script.yaml"))
	want := filepath.Join(dir, "script.yaml") + `:2:1: this is a rule script and no declaration: play it with "telltale rules test"; ` +
		"tests that the gateway is to keep stand under tests in their rule"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestFilesOfRuleScriptsArePartedFromDeclarations(t *testing.T) {
	t.Parallel()
	const script, article = "rules: [a.yml]\ntests: []\n", "{kind: Article, title: tests, body: b, id: A}\n"
	dir := folder(t, map[string]string{
		"a.yaml": article, "b.test.yaml": script, "c.yaml": script + "---\n" + script, "d.yaml": article + "---\n" + script,
		"e.yaml": "# tests\n", "f.yaml": "tests: [\n",
	})
	named := filepath.Join(folder(t, map[string]string{"named.yaml": script}), "named.yaml")
	sources, err := declare.ReadSources(dir, named)
	if err != nil {
		t.Fatal(err)
	}
	rest, scripts := declare.WithoutScripts(sources)
	var kept []string
	for _, source := range rest {
		kept = append(kept, filepath.Base(source.Name))
	}
	if diff := cmp.Diff([]string{"a.yaml", "d.yaml", "e.yaml", "f.yaml", "named.yaml"}, kept); diff != "" {
		t.Errorf("declarations (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{filepath.Join(dir, "b.test.yaml"), filepath.Join(dir, "c.yaml")}, scripts); diff != "" {
		t.Errorf("scripts (-want +got):\n%s", diff)
	}
}

func TestWhatIsNotThereIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := declare.Parse(filepath.Join(t.TempDir(), "nothing.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := declare.Parse(t.TempDir()); err == nil {
		t.Error("an empty folder was accepted")
	}
}

func TestFaultsOfAllFilesComeTogether(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"a.yaml": "{kind: Article, id: A, title: t, body: b}\n---\nkind: Thing\n",
		"b.yaml": "kind: [\n",
		"c.yaml": "{kind: Article, id: A, title: t, body: b}\n",
	})
	_, err := declare.Parse(dir)
	if err == nil {
		t.Fatal("accepted")
	}
	want := `a.yaml:3:7: kind: unknown kind "Thing"
b.yaml:1: this is not YAML: did not find expected node content
c.yaml:1:1: Article A: is declared twice, first at a.yaml:1`
	if diff := cmp.Diff(want, strings.ReplaceAll(err.Error(), dir+"/", "")); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestTheOrderOfDocumentsMeansNothing(t *testing.T) {
	t.Parallel()
	documents := strings.Split(dangling, "---\n")
	slices.Reverse(documents)
	forward, backward := parseText(t, dangling), parseText(t, strings.Join(documents, "---\n"))
	if diff := cmp.Diff(specsOf(t, forward), specsOf(t, backward)); diff != "" {
		t.Errorf("specs (-forward +backward):\n%s", diff)
	}
}

func TestFaultsOfManyKindsUnwrap(t *testing.T) {
	t.Parallel()
	_, err := declare.ParseSources(declare.Source{Name: "a.yaml", Text: []byte("kind: Thing")})
	var one *declare.Error
	if !errors.As(err, &one) || one.File != "a.yaml" || one.Line != 1 || one.Field != "kind" {
		t.Errorf("first fault: %+v", one)
	}
}
