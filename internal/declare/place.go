package declare

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// fault returns a fault of a declaration's top-level key, with its place in
// the file when the declaration came from one.
func (s *Set) fault(ref Ref, field, format string, args ...any) *Error {
	fault := &Error{Ref: ref, Field: field, Message: fmt.Sprintf(format, args...)}
	doc := s.origins[ref]
	if doc == nil {
		return fault
	}
	fault.File, fault.Line = doc.source.Name, doc.node.Line
	if node := child(doc.node, field); node != nil {
		fault.Line = node.Line
	}
	return fault
}

// lineOf finds the line below a top-level key where a text stands; otherwise
// it returns the line it is given.
func (s *Set) lineOf(ref Ref, field, text string, line int) int {
	doc := s.origins[ref]
	if doc == nil {
		return line
	}
	if node := findScalar(child(doc.node, field), text); node != nil {
		return node.Line
	}
	return line
}

func findScalar(node *yaml.Node, text string) *yaml.Node {
	if node == nil {
		return nil
	}
	if node.Kind == yaml.ScalarNode && node.Value == text {
		return node
	}
	for _, item := range node.Content {
		if found := findScalar(item, text); found != nil {
			return found
		}
	}
	return nil
}
