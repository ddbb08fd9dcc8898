package archtest

import (
	"go/parser"
	"go/token"
	"strconv"
	"testing"
)

// fileImports returns the import paths of one Go file.
func fileImports(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatalf("read imports: %v", err)
	}
	paths := make([]string, len(file.Imports))
	for i, spec := range file.Imports {
		paths[i], err = strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatalf("read import %s of %s: %v", spec.Path.Value, path, err)
		}
	}
	return paths
}
