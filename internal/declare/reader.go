package declare

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"telltale/devices"
)

// reading collects the faults of one document.
type reading struct {
	file     string
	decoders map[string]string // see [Source]
	ref      Ref
	faults   *Errors
}

// value is a node of the document and its path, for errors.
type value struct {
	r    *reading
	path string
	node *yaml.Node
}

// failf reports a fault at v.
func (v value) failf(format string, args ...any) {
	*v.r.faults = append(*v.r.faults, &Error{
		File: v.r.file, Line: v.node.Line, Column: v.node.Column, Ref: v.r.ref, Field: v.path, Message: fmt.Sprintf(format, args...),
	})
}

// text reads a scalar as it is written: numbers keep their leading zeros.
func (v value) text() (string, bool) {
	if v.node.Kind != yaml.ScalarNode {
		v.failf("must be a text, not %s", describe(v.node))
		return "", false
	}
	if v.node.Tag == "!!null" {
		v.failf("is empty")
		return "", false
	}
	if strings.ContainsRune(v.node.Value, 0) {
		v.failf("holds a zero byte") // which PostgreSQL cannot store
		return "", false
	}
	return v.node.Value, true
}

// number reads a finite number. Quoted numbers are texts.
func (v value) number() (float64, bool) {
	if v.node.Kind != yaml.ScalarNode || v.node.Tag != "!!int" && v.node.Tag != "!!float" {
		v.failf("must be a number, not %s", describe(v.node))
		return 0, false
	}
	f, err := strconv.ParseFloat(v.node.Value, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		v.failf("must be a plain decimal number, not %s", describe(v.node))
		return 0, false
	}
	return f, true
}

// maxQuantity keeps counts exact in JSON, whose numbers are doubles.
const maxQuantity = 1 << 53

// count reads a whole number above zero.
func (v value) count() int64 {
	if v.node.Kind != yaml.ScalarNode || v.node.Tag != "!!int" {
		v.failf("must be a whole number, not %s", describe(v.node))
		return 0
	}
	n, err := strconv.ParseInt(v.node.Value, 10, 64)
	if err != nil || n < 1 || n > maxQuantity {
		v.failf("must be a whole number from 1 to %d, not %s", int64(maxQuantity), v.node.Value)
		return 0
	}
	return n
}

func (v value) boolean() bool {
	if v.node.Kind != yaml.ScalarNode || v.node.Tag != "!!bool" {
		v.failf("must be true or false, not %s", describe(v.node))
		return false
	}
	return v.node.Value == "true" || v.node.Value == "True" || v.node.Value == "TRUE"
}

func (v value) duration() time.Duration {
	text, ok := v.text()
	if !ok {
		return 0
	}
	d, err := ParseDuration(text)
	if err != nil {
		v.failf("%v", err)
	}
	return d
}

func (v value) time() time.Time {
	text, ok := v.text()
	if !ok {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		v.failf("%q is not a time (write 2026-01-10T00:00:00Z)", text)
		return time.Time{}
	}
	// PostgreSQL keeps microseconds: what cannot be stored must not compare.
	return t.UTC().Truncate(time.Microsecond)
}

// identifier reads a text that may name something: it goes into URLs and file
// names as it is.
func (v value) identifier() string {
	text, ok := v.text()
	if ok && !devices.ValidName(text) {
		v.failf("%q is not an id (1 to 128 letters, digits and . _ : -)", text)
		return ""
	}
	return text
}

// deviceID reads the id of a device, which may have a slash inside.
func (v value) deviceID() devices.ID {
	text, ok := v.text()
	if ok && !devices.ValidID(text) {
		v.failf("%q is not a device's id (1 to 128 letters, digits and . _ : -, with single slashes between)", text)
		return ""
	}
	return devices.ID(text)
}

// oneOf reads one of a few words.
func (v value) oneOf(words ...string) string {
	text, ok := v.text()
	if !ok {
		return ""
	}
	for _, word := range words {
		if text == word {
			return word
		}
	}
	v.failf("unknown value %q%s; one of %s", text, suggestion(text, words), join(words))
	return ""
}

// list returns the items of a sequence.
func (v value) list() []value {
	if v.node.Kind != yaml.SequenceNode {
		v.failf("must be a list, not %s", describe(v.node))
		return nil
	}
	items := make([]value, len(v.node.Content))
	for i, node := range v.node.Content {
		items[i] = value{v.r, fmt.Sprintf("%s[%d]", v.path, i), node}
	}
	return items
}

// texts reads a list of different texts.
func (v value) texts() []string {
	var all []string
	seen := make(map[string]bool)
	for _, item := range v.list() {
		text, ok := item.text()
		switch {
		case !ok:
		case text == "":
			item.failf("is empty")
		case seen[text]:
			item.failf("%q is there twice", text)
		default:
			seen[text] = true
			all = append(all, text)
		}
	}
	return all
}

// describe says what a node is, in the words of errors.
func describe(node *yaml.Node) string {
	switch {
	case node.Kind == yaml.MappingNode:
		return "a mapping"
	case node.Kind == yaml.SequenceNode:
		return "a list"
	case node.Tag == "!!null":
		return "empty"
	case node.Tag == "!!str":
		return fmt.Sprintf("the text %q", node.Value)
	default:
		return node.Value
	}
}
