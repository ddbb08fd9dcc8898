package simulator

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// embedded holds a folder for each scenario that comes with the program:
// scenario.yaml, and the declarations of the world it plays in.
//
//go:embed scenarios
var embedded embed.FS

const scenarioFile = "scenario.yaml"

// Names returns the scenarios that come with the program.
func Names() []string {
	entries, _ := embedded.ReadDir("scenarios") // embedded: it is there
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names
}

// Load returns the scenario with the name, or the one in the file.
func Load(nameOrFile string) (*Scenario, error) {
	if slices.Contains(Names(), nameOrFile) {
		name := path.Join("scenarios", nameOrFile, scenarioFile)
		text, err := embedded.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read scenario %s: %w", nameOrFile, err)
		}
		return Parse(name, text)
	}
	text, err := os.ReadFile(nameOrFile)
	if errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(nameOrFile, "./") {
		return nil, fmt.Errorf("there is no scenario %q; there are %s, or name a file",
			nameOrFile, strings.Join(Names(), ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("read scenario: %w", err)
	}
	return Parse(nameOrFile, text)
}

// Document is one file of declarations.
type Document struct {
	Name string
	Text []byte
}

// Declarations returns the declarations that belong to an embedded scenario,
// with their template times filled in for a run that starts at start.
func Declarations(name string, start time.Time) ([]Document, error) {
	folder := path.Join("scenarios", name)
	entries, err := embedded.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("there is no scenario %q; there are %s", name, strings.Join(Names(), ", "))
	}
	var documents []Document
	for _, entry := range entries {
		if entry.Name() == scenarioFile {
			continue
		}
		file := path.Join(folder, entry.Name())
		text, err := embedded.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read declarations of scenario %s: %w", name, err)
		}
		if text, err = Render(text, start); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		documents = append(documents, Document{Name: file, Text: text})
	}
	return documents, nil
}
