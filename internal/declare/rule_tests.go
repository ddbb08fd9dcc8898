package declare

import (
	"bytes"
	"encoding/json"
	"strings"

	"go.yaml.in/yaml/v3"

	"telltale/rules"
	"telltale/rules/script"
)

// readTests keeps a rule's own tests as they are written. What they say is
// looked at by [Set.Check]: a stored rule is read often, its tests are not.
func readTests(v value) string {
	if v.node.Kind != yaml.SequenceNode {
		v.failf("must be a list of tests, not %s", describe(v.node))
		return ""
	}
	text, ok := v.r.json(v.node)
	if !ok {
		return ""
	}
	return text
}

// json writes a node as JSON. Numbers stay as they are written; those that
// JSON has not become texts, which the reader of the tests takes as well.
func (r *reading) json(node *yaml.Node) (string, bool) {
	before := len(*r.faults)
	tree := r.tree(node)
	if len(*r.faults) > before {
		return "", false
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(tree); err != nil {
		value{r: r, node: node}.failf("cannot be kept: %v", err)
		return "", false
	}
	return strings.TrimSuffix(b.String(), "\n"), true
}

// tree turns a node into what encoding/json writes.
func (r *reading) tree(node *yaml.Node) any {
	switch node.Kind {
	case yaml.MappingNode:
		f := value{r: r, node: node}.fields() // which refuses keys that are there twice
		fields := make(map[string]any, len(f.values))
		for key, v := range f.values {
			fields[key] = r.tree(v.node)
		}
		return fields
	case yaml.SequenceNode:
		items := make([]any, len(node.Content))
		for i, item := range node.Content {
			items[i] = r.tree(item)
		}
		return items
	}
	if strings.ContainsRune(node.Value, 0) {
		value{r: r, node: node}.failf("holds a zero byte") // which PostgreSQL cannot store
		return nil
	}
	_, isNumber := value{r: &reading{faults: &Errors{}}, node: node}.number()
	switch {
	case node.Tag == "!!null":
		return nil
	case node.Tag == "!!bool":
		return value{r: r, node: node}.boolean()
	case isNumber && json.Valid([]byte(node.Value)):
		return json.Number(node.Value)
	default:
		return node.Value
	}
}

// Tests returns the own tests of a rule of the set, nil when it has none.
// Faults are in the tests themselves, with their place in the rule's file.
func (s *Set) Tests(r *rules.Rule) (*script.Own, Errors) {
	if r.Tests == "" {
		return nil, nil
	}
	ref := Ref{KindRule, r.ID}
	node := testsNode(s.origins[ref], r)
	if node == nil {
		return nil, nil // readTests has reported it
	}
	own, faults := script.ReadOwn(r.ID, node)
	return own, s.testFaults(ref, faults)
}

// testsNode is where the tests stand, or a node made of what is kept of them.
func testsNode(doc *document, r *rules.Rule) *yaml.Node {
	if doc != nil {
		return child(doc.node, "tests")
	}
	tree, err := parseJSON([]byte(r.Tests))
	if err != nil {
		return nil
	}
	return toNode(tree)
}

// testFaults turns faults of tests into those of a declaration.
func (s *Set) testFaults(ref Ref, faults []script.Fault) Errors {
	var all Errors
	for _, f := range faults {
		fault := s.fault(ref, "tests", "%v", f.Err)
		if f.Line > 0 {
			fault.Line, fault.Column = f.Line, f.Column
		}
		all = append(all, fault)
	}
	return all
}

// checkTests looks at the tests that rules carry.
func (s *Set) checkTests(faults *Errors) {
	for _, r := range s.Rules {
		_, found := s.Tests(r)
		*faults = append(*faults, found...)
	}
}
