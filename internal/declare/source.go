package declare

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Source is the text of one file.
type Source struct {
	Name string // as errors name it
	Text []byte

	// Decoders are the payload scripts that models in the text keep in files
	// of their own, by the path they name them with. [ReadSources] reads them;
	// whoever parses sources opens no file.
	Decoders map[string]string

	// folder says that nobody named the file: it was found in a folder, where
	// rule scripts may lie beside the rules they test.
	folder bool
}

// maxSourceSize bounds a file: far above 100,000 devices, far below memory.
const maxSourceSize = 64 << 20

// ReadSources reads the files that [Files] lists.
func ReadSources(paths ...string) ([]Source, error) {
	files, err := Files(paths...)
	if err != nil {
		return nil, err
	}
	var sources []Source
	for _, file := range files {
		text, err := readBounded(file.Path)
		if err != nil {
			return nil, fmt.Errorf("read declarations: %w", err)
		}
		decoders, err := readDecoders(file.Path, text)
		if err != nil {
			return nil, fmt.Errorf("read declarations: %w", err)
		}
		sources = append(sources, Source{Name: file.Path, Text: text, Decoders: decoders, folder: file.Found})
	}
	return sources, nil
}

// File is a file that somebody named, or that was found in a folder.
type File struct {
	Path  string
	Found bool // in a folder that was named
}

// Files lists files, and the *.yaml and *.yml files of folders and their
// sub-folders in order of their names. Hidden ones are left out.
func Files(paths ...string) ([]File, error) {
	var files []File
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("read declarations: %w", err)
		}
		if !info.IsDir() {
			files = append(files, File{Path: path})
			continue
		}
		names, err := yamlFiles(path)
		if err != nil {
			return nil, fmt.Errorf("read declarations: %w", err)
		}
		for _, name := range names {
			files = append(files, File{Path: name, Found: true})
		}
	}
	return files, nil
}

func yamlFiles(folder string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && path != folder
		switch {
		case entry.IsDir() && hidden:
			return fs.SkipDir
		case entry.IsDir() || hidden:
			return nil
		}
		if ext := filepath.Ext(path); ext == ".yaml" || ext == ".yml" {
			names = append(names, path)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s holds no *.yaml file", folder)
	}
	slices.Sort(names)
	return names, nil
}

func readBounded(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSourceSize+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxSourceSize {
		return nil, fmt.Errorf("%s is larger than %d MiB: split it", name, maxSourceSize>>20)
	}
	return text, nil
}
