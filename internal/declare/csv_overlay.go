package declare

import (
	"encoding/json"

	"go.yaml.in/yaml/v3"
)

// overlay lays rows over declarations, one after the other. A row that makes
// a declaration wrong is refused and leaves no trace.
type overlay struct {
	layout  layout
	current map[Ref]json.RawMessage
	state   map[Ref]resolved
	order   []Ref
	first   map[string]int // line of each row key
	faults  Errors
}

// resolved is a declaration after the rows so far.
type resolved struct {
	node        *yaml.Node
	declaration any
	file        string
}

func (o *overlay) lay(r row) {
	ref := o.layout.refOf(r)
	if ref.ID == "" {
		o.faults = append(o.faults, r.failf(ref, "%s is empty", o.layout.id))
		return
	}
	key := o.layout.keyOf(r)
	if line, twice := o.first[key]; twice {
		o.faults = append(o.faults, r.failf(ref, "is in line %d already", line))
		return
	}
	o.first[key] = r.line

	node, known, err := o.node(ref)
	if err != nil {
		o.faults = append(o.faults, r.failf(ref, "read what is declared: %v", err))
		return
	}
	if !known && o.layout.adds {
		o.faults = append(o.faults, r.failf(ref, "is not declared"))
		return
	}
	put(node, "id", scalar("!!str", ref.ID))
	o.layout.lay(node, r.cells)
	setLine(node, r.line)

	declaration, faults := read(ref, r.file, node)
	if len(faults) > 0 {
		o.faults = append(o.faults, faults...)
		return
	}
	if _, again := o.state[ref]; !again {
		o.order = append(o.order, ref)
	}
	o.state[ref] = resolved{node, declaration, r.file}
}

// node returns a copy of the declaration as it is before the next row, and
// whether there is one.
func (o *overlay) node(ref Ref) (node *yaml.Node, known bool, err error) {
	if before, ok := o.state[ref]; ok {
		return clone(before.node), true, nil
	}
	spec, ok := o.current[ref]
	if !ok {
		return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}, false, nil
	}
	tree, err := parseJSON(spec)
	if err != nil {
		return nil, false, err
	}
	return toNode(tree), true, nil
}

func clone(node *yaml.Node) *yaml.Node {
	copied := *node
	copied.Content = make([]*yaml.Node, len(node.Content))
	for i, inner := range node.Content {
		copied.Content[i] = clone(inner)
	}
	return &copied
}

// setLine says that all of the node stands in one line of the table.
func setLine(node *yaml.Node, line int) {
	node.Line = line
	for _, inner := range node.Content {
		setLine(inner, line)
	}
}

// put sets a key of a mapping.
func put(node *yaml.Node, key string, v *yaml.Node) {
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			node.Content[i+1] = v
			return
		}
	}
	node.Content = append(node.Content, scalar("!!str", key), v)
}

// inner returns the mapping or list under a key, made when it is missing.
func inner(node *yaml.Node, key string, kind yaml.Kind) *yaml.Node {
	found := child(node, key)
	if found == nil {
		found = &yaml.Node{Kind: kind}
		put(node, key, found)
	}
	return found
}

// item returns the mapping in a list whose keys have these texts, made when
// it is missing.
func item(list *yaml.Node, keys ...[2]string) *yaml.Node {
	for _, candidate := range list.Content {
		matches := true
		for _, k := range keys {
			found := child(candidate, k[0])
			matches = matches && found != nil && found.Value == k[1]
		}
		if matches {
			return candidate
		}
	}
	made := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, k := range keys {
		put(made, k[0], scalar("!!str", k[1]))
	}
	list.Content = append(list.Content, made)
	return made
}
