package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// withoutDetector finds the packages that `make test` leaves out of its run
// with the race detector.
var withoutDetector = regexp.MustCompile(`'\^(telltale/[a-z/]+)\$\$'`)

// TestWhatIsTestedWithoutTheRaceDetectorHasNoConcurrency keeps the Makefile
// honest: a package without goroutines, channels and locks has no races of its
// own, and those that use it from several goroutines are tested with the
// detector, which looks into it there.
func TestWhatIsTestedWithoutTheRaceDetectorHasNoConcurrency(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	found := withoutDetector.FindAllSubmatch(makefile, -1)
	if len(found) == 0 {
		t.Fatal("no package is tested without the race detector, or the Makefile says it in another way")
	}
	packages := listPackages(t)
	for _, match := range found {
		i := slices.IndexFunc(packages, func(p goPackage) bool { return p.ImportPath == string(match[1]) })
		if i < 0 {
			t.Errorf("the Makefile names %s, which does not exist", match[1])
			continue
		}
		for _, file := range packages[i].GoFiles {
			for _, place := range concurrencyIn(t, filepath.Join(packages[i].Dir, file)) {
				t.Errorf("%s: concurrency in a package that is tested without the race detector", place)
			}
		}
	}
}

// concurrencyIn returns the places where a file starts goroutines, has
// channels, or imports what only those need.
func concurrencyIn(t *testing.T, path string) []token.Position {
	t.Helper()
	for _, imported := range fileImports(t, path) {
		if slices.Contains([]string{"sync", "sync/atomic", "golang.org/x/sync/errgroup"}, imported) {
			return []token.Position{{Filename: path, Line: 1}}
		}
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var places []token.Position
	ast.Inspect(file, func(node ast.Node) bool {
		switch node.(type) {
		case *ast.GoStmt, *ast.ChanType, *ast.SelectStmt:
			places = append(places, files.Position(node.Pos()))
		}
		return true
	})
	return places
}

func TestConcurrencyIsSeen(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a goroutine": "package p\n\nfunc f() { go f() }\n",
		"a channel":   "package p\n\nvar c chan int\n",
		"a lock":      "package p\n\nimport \"sync\"\n\nvar m sync.Mutex\n",
	} {
		path := filepath.Join(t.TempDir(), "p.go")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if len(concurrencyIn(t, path)) == 0 {
			t.Errorf("%s is overlooked", name)
		}
	}
}
