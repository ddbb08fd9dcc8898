package declare

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"

	"telltale/devices"
	"telltale/devices/shipments"
	"telltale/rules"
	"telltale/tickets"
	"telltale/tickets/crm"
)

// Encode returns the spec of a declaration: canonical JSON in the shape of
// the YAML, with defaults filled in and without the kind.
func Encode[T Declaration](declaration T) (json.RawMessage, error) { return encode(declaration) }

func encode(declaration any) (json.RawMessage, error) {
	var spec any
	switch d := declaration.(type) {
	case *tickets.Article:
		spec = encodeArticle(d)
	case *devices.Model:
		spec = encodeModel(d)
	case *crm.Customer:
		spec = encodeCustomer(d)
	case *devices.Device:
		spec = encodeDevice(d)
	case *shipments.StorageProfile:
		spec = encodeProfile(d)
	case *shipments.Shipment:
		spec = encodeShipment(d)
	case *rules.Rule:
		spec = encodeRule(d)
	case *rules.Maintenance:
		spec = encodeMaintenance(d)
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", refOf(declaration), err)
	}
	return text, nil
}

// Decode reads a spec that [Encode] wrote. The version of a rule is not part
// of its spec.
func Decode[T Declaration](spec []byte) (T, error) {
	var declaration T
	kind := kindOf(declaration)
	decoded, err := decode(kind, spec)
	if err != nil {
		return declaration, fmt.Errorf("decode %s: %w", kind, err)
	}
	return decoded.(T), nil
}

// kindOf names the kind of a declaration, which may be a nil pointer.
func kindOf(declaration any) Kind {
	switch declaration.(type) {
	case *tickets.Article:
		return KindArticle
	case *devices.Model:
		return KindModel
	case *crm.Customer:
		return KindCustomer
	case *devices.Device:
		return KindDevice
	case *shipments.StorageProfile:
		return KindProfile
	case *shipments.Shipment:
		return KindShipment
	case *rules.Maintenance:
		return KindMaintenance
	default:
		return KindRule
	}
}

// decode reads a spec through the same readers as a file.
func decode(kind Kind, spec []byte) (any, error) {
	tree, err := parseJSON(spec)
	if err != nil {
		return nil, err
	}
	node := toNode(tree)
	declaration, faults := read(Ref{kind, value{node: child(node, "id")}.plain()}, "", node)
	if err := faults.orNil(); err != nil {
		return nil, err
	}
	return declaration, nil
}

func parseJSON(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var tree any
	err := decoder.Decode(&tree)
	return tree, err
}

// read reads a declaration from a node that came from no YAML file.
func read(ref Ref, file string, node *yaml.Node) (any, Errors) {
	var faults Errors
	f := value{r: &reading{file: file, ref: ref, faults: &faults}, node: node}.fields()
	declaration := readerOf(ref.Kind)(f)
	f.done()
	return declaration, faults
}

// toNode turns decoded JSON into the node the YAML reader would have made.
func toNode(tree any) *yaml.Node {
	switch t := tree.(type) {
	case map[string]any:
		node := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: make([]*yaml.Node, 0, 2*len(t))}
		for _, key := range sortedKeys(t) {
			node.Content = append(node.Content, scalar("!!str", key), toNode(t[key]))
		}
		return node
	case []any:
		node := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: make([]*yaml.Node, len(t))}
		for i, item := range t {
			node.Content[i] = toNode(item)
		}
		return node
	case string:
		return scalar("!!str", t)
	case json.Number:
		if bytes.ContainsAny([]byte(t), ".eE") {
			return scalar("!!float", t.String())
		}
		return scalar("!!int", t.String())
	case bool:
		return scalar("!!bool", fmt.Sprint(t))
	default:
		return scalar("!!null", "")
	}
}

func scalar(tag, text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text}
}

func sortedKeys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }
