package declare_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"telltale/internal/declare"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with a file beside the tests.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func files(t testing.TB, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no %s: %v", pattern, err)
	}
	return names
}

// seed gives a fuzz target the files of a pattern to begin with.
func seed(f *testing.F, pattern string) {
	f.Helper()
	for _, name := range files(f, pattern) {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
}

// TestBadFilesAreRefusedWithExactlyTheseErrors compares x.bad.yaml with
// x.bad.txt.
func TestBadFilesAreRefusedWithExactlyTheseErrors(t *testing.T) {
	t.Parallel()
	for _, name := range files(t, "testdata/*.bad.yaml") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := declare.Parse(name)
			if err == nil {
				t.Fatalf("accepted, with %d declarations", set.Len())
			}
			golden(t, strings.TrimSuffix(name, ".yaml")+".txt", err.Error()+"\n")
		})
	}
}

// TestGoodFilesBecomeTheseSpecs compares x.good.yaml with x.good.json.
func TestGoodFilesBecomeTheseSpecs(t *testing.T) {
	t.Parallel()
	for _, name := range files(t, "testdata/*.good.yaml") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := declare.Parse(name)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := declare.Diff(nil, set)
			if err != nil {
				t.Fatal(err)
			}
			var specs strings.Builder
			for _, change := range plan.Changes {
				specs.WriteString(string(change.Ref.Kind) + " " + string(change.Spec) + "\n")
			}
			golden(t, strings.TrimSuffix(name, ".yaml")+".json", specs.String())
		})
	}
}
