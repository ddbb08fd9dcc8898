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
	fault.File = doc.source.Name
	fault.at(doc.node)
	fault.at(child(doc.node, field))
	return fault
}

// at moves a fault to a node, if there is one.
func (e *Error) at(node *yaml.Node) {
	if node != nil {
		e.Line, e.Column = node.Line, node.Column
	}
}

// narrow moves a fault of a top-level key to where a text stands below it.
func (s *Set) narrow(fault *Error, text string) {
	if doc := s.origins[fault.Ref]; doc != nil {
		fault.at(findScalar(child(doc.node, fault.Field), text))
	}
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
