package declare

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Text writes a declaration as the YAML document it could have come from: its
// spec, key by key in a fixed order, with the kind at its head. Two texts
// differ only where the declarations do. What a spec does not hold, comments
// and the order of keys, is not there; see decision 0026.
func Text[T Declaration](declaration T) (string, error) {
	spec, err := encode(declaration)
	if err != nil {
		return "", err
	}
	decoder := json.NewDecoder(bytes.NewReader(spec))
	decoder.UseNumber()
	root, err := ordered(decoder)
	if err != nil {
		return "", fmt.Errorf("write %s: %w", refOf(declaration), err)
	}
	orderTests(child(root, "tests"))
	plain(root, 0)
	root.Content = slices.Insert(root.Content, 0, scalar("!!str", "kind"), scalar("!!str", string(kindOf(declaration))))
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return "", fmt.Errorf("write %s: %w", refOf(declaration), err)
	}
	return b.String(), nil
}

// ordered reads the next JSON value as the node that YAML would have made of
// it, with keys in the order they are written.
func ordered(decoder *json.Decoder) (*yaml.Node, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	delim, isDelim := token.(json.Delim)
	switch {
	case token == nil:
		return scalar("!!null", "null"), nil
	case !isDelim:
		return toNode(token), nil
	}
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	if delim == '{' {
		n = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	}
	for decoder.More() {
		one, err := ordered(decoder)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, one)
	}
	_, err = decoder.Token()
	return n, err
}

// lineRoom is how wide a mapping or a list may be that stands in one line.
const lineRoom = 100

// plain gives nodes that were JSON the look of hand-written YAML: quotes only
// where they are needed, small things in one line, long texts in blocks.
func plain(n *yaml.Node, depth int) {
	n.Style = 0
	for _, one := range n.Content {
		plain(one, depth+1)
	}
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!str" && strings.Contains(n.Value, "\n"):
		n.Style = yaml.LiteralStyle
	case n.Kind != yaml.ScalarNode && depth > 0 && width(n) <= lineRoom && n.Kind == yaml.MappingNode,
		n.Kind == yaml.SequenceNode && depth > 0 && width(n) <= lineRoom && !holdsMappings(n):
		n.Style = yaml.FlowStyle
	}
}

func holdsMappings(n *yaml.Node) bool {
	return slices.ContainsFunc(n.Content, func(one *yaml.Node) bool { return one.Kind == yaml.MappingNode })
}

// width is about how many characters a node takes in one line; more than
// there are when something in it must not stand in one.
func width(n *yaml.Node) int {
	if strings.Contains(n.Value, "\n") {
		return lineRoom + 1
	}
	sum := len(n.Value) + 2
	for _, one := range n.Content {
		if n.Kind == yaml.MappingNode && one.Kind == yaml.SequenceNode && holdsMappings(one) {
			return lineRoom + 1
		}
		sum += width(one) + 2
	}
	return sum
}

// testKeys is the order in which the keys of a rule's tests are read best.
// The database keeps them in an order of its own.
func testKeys() []string {
	return []string{
		"name", "device", "devices", "id", "model", "site", "gateway", "customer", "tags", "start", "every", "series", "faults", "status",
		"expect", "at", "alarm", "state", "severity", "occurrences", "chattering", "held_by", "explains", "raised", "reopened", "suppressed",
	}
}

// orderTests puts the keys of tests in order, down to the names that people
// give, which follow the alphabet.
func orderTests(n *yaml.Node) {
	if n == nil {
		return
	}
	if n.Kind == yaml.MappingNode {
		order := testKeys()
		type pair struct {
			rank       int
			key, value *yaml.Node
		}
		var pairs []pair
		for i := 0; i+1 < len(n.Content); i += 2 {
			rank := slices.Index(order, n.Content[i].Value)
			if rank < 0 {
				rank = len(order)
			}
			pairs = append(pairs, pair{rank, n.Content[i], n.Content[i+1]})
		}
		slices.SortStableFunc(pairs, func(a, b pair) int {
			return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.key.Value, b.key.Value))
		})
		n.Content = n.Content[:0]
		for _, p := range pairs {
			n.Content = append(n.Content, p.key, p.value)
		}
	}
	for _, one := range n.Content {
		orderTests(one)
	}
}
