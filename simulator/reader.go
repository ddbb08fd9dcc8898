package simulator

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"telltale/devices"
)

// reader walks YAML nodes and collects what is wrong with them.
type reader struct {
	file    string
	faults  []error
	groupOf map[devices.ID]int // index of the group of each unit read so far
}

func (r *reader) failf(node *yaml.Node, format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf("%s:%d: %s", r.file, node.Line, fmt.Sprintf(format, args...)))
}

// mapping returns the values of a mapping by key, and refuses other keys.
func (r *reader) mapping(node *yaml.Node, known ...string) map[string]*yaml.Node {
	values := make(map[string]*yaml.Node)
	if node.Kind != yaml.MappingNode {
		r.failf(node, "must be a mapping with the keys %s", strings.Join(known, ", "))
		return values
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		switch {
		case !slices.Contains(known, key.Value):
			r.failf(key, "unknown key %q; there are %s", key.Value, strings.Join(known, ", "))
		case values[key.Value] != nil:
			r.failf(key, "key %q is there twice", key.Value)
		default:
			values[key.Value] = value
		}
	}
	return values
}

func (r *reader) list(node *yaml.Node) []*yaml.Node {
	if node == nil {
		return nil
	}
	if node.Kind != yaml.SequenceNode {
		r.failf(node, "must be a list")
		return nil
	}
	return node.Content
}

// word reads a text that must be there, one of the choices if there are any.
func (r *reader) word(parent *yaml.Node, m map[string]*yaml.Node, key string, choices ...string) string {
	node := m[key]
	switch {
	case node == nil || node.Kind != yaml.ScalarNode || node.Value == "":
		r.failf(parent, "%s is missing", key)
		return ""
	case len(choices) > 0 && !slices.Contains(choices, node.Value):
		r.failf(node, "unknown %s %q; there are %s", key, node.Value, strings.Join(choices, ", "))
		return ""
	}
	return node.Value
}

func (r *reader) duration(node *yaml.Node) time.Duration {
	d, err := time.ParseDuration(node.Value)
	if err != nil || d < 0 {
		r.failf(node, "%q is not a duration (write 90s, 10m or 4h)", node.Value)
		return 0
	}
	return d
}

func (r *reader) optionalNumber(node *yaml.Node) *float64 {
	if node == nil {
		return nil
	}
	v := decode[float64](r, node, "a number")
	return &v
}

// decode reads a number. YAML's infinities and NaN are none.
func decode[T int | uint64 | float64](r *reader, node *yaml.Node, what string) T {
	var v T
	err := node.Decode(&v)
	if f := float64(v); err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		r.failf(node, "must be %s, not %q", what, node.Value)
		return 0
	}
	return v
}
