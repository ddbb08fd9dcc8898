package codec

import (
	"fmt"
	"strings"
)

// node is one step of the paths, merged into a tree so that one pass over the
// payload meets them all.
type node struct {
	children map[string]*node
	uses     []use // what reads the value here; then there are no children
}

// use is what the value at the end of a path is for.
type use struct {
	kind  useKind
	field int // for useValue and useUnit: index in Fields.fields
}

type useKind uint8

const (
	useValue useKind = iota
	useUnit
	useTime
	useFaults
	useDevice
	useRecords
)

// add puts a path into the tree.
func (n *node) add(path string, u use) error {
	steps, err := pathSteps(path)
	if err != nil {
		return err
	}
	at := n
	for _, key := range steps {
		if at.uses != nil {
			return fmt.Errorf("path %q goes through a value that another path reads", path)
		}
		if at.children == nil {
			at.children = make(map[string]*node)
		}
		if at.children[key] == nil {
			at.children[key] = &node{}
		}
		at = at.children[key]
	}
	if at.children != nil {
		return fmt.Errorf("path %q ends where another path goes on", path)
	}
	at.uses = append(at.uses, u)
	return nil
}

// pathSteps splits a path into its keys.
func pathSteps(path string) ([]string, error) {
	pointer, isPointer := strings.CutPrefix(path, "/")
	if isPointer {
		steps := strings.Split(pointer, "/")
		for i, s := range steps {
			// ~1 first, so that ~01 is ~1 and no slash (RFC 6901, section 4).
			steps[i] = strings.ReplaceAll(strings.ReplaceAll(s, "~1", "/"), "~0", "~")
		}
		return steps, nil
	}
	steps := strings.Split(path, ".")
	for _, s := range steps {
		if s == "" {
			return nil, fmt.Errorf("path %q has an empty step", path)
		}
	}
	return steps, nil
}
