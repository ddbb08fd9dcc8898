package declare

import (
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"telltale/devices"
)

// fields reads the keys of one mapping. Readers ask for every key they know
// and then call done, which refuses the others.
type fields struct {
	value
	values map[string]value
	asked  []string
}

// fields opens a mapping. What is no mapping, and keys that are there twice,
// are reported; reading goes on with what is left, to find all faults.
func (v value) fields() *fields {
	f := &fields{value: v, values: make(map[string]value)}
	if v.node.Kind != yaml.MappingNode {
		v.failf("must be a mapping, not %s", describe(v.node))
		return f
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		keyNode, node := v.node.Content[i], v.node.Content[i+1]
		key := value{v.r, v.join(keyNode.Value), keyNode}
		if keyNode.Kind != yaml.ScalarNode {
			value{v.r, v.path, keyNode}.failf("a key must be a text, not %s", describe(keyNode))
			continue
		}
		if _, ok := key.text(); !ok {
			continue
		}
		if first, twice := f.values[keyNode.Value]; twice {
			key.failf("is there twice, first in line %d", first.node.Line)
			continue
		}
		f.values[keyNode.Value] = value{v.r, key.path, node}
	}
	return f
}

// join appends a key to the path.
func (v value) join(key string) string {
	if v.path == "" {
		return key
	}
	return v.path + "." + key
}

// has reports whether the key is there, and notes that it is a known one.
func (f *fields) has(key string) (value, bool) {
	f.asked = append(f.asked, key)
	v, ok := f.values[key]
	return v, ok
}

// must is has for keys that cannot be left out.
func (f *fields) must(key string) (value, bool) {
	v, ok := f.has(key)
	if !ok && f.node.Kind == yaml.MappingNode {
		f.failf("%s is missing", key)
	}
	return v, ok
}

// done refuses every key that nobody asked for.
func (f *fields) done() {
	if f.node.Kind != yaml.MappingNode {
		return
	}
	known := make(map[string]bool, len(f.asked))
	for _, key := range f.asked {
		known[key] = true
	}
	for i := 0; i+1 < len(f.node.Content); i += 2 {
		key := f.node.Content[i]
		if key.Kind == yaml.ScalarNode && !known[key.Value] {
			value{f.r, f.path, key}.failf("unknown key %q%s", key.Value, suggestion(key.Value, f.asked))
		}
	}
}

// text reads an optional text; "" when it is left out.
func (f *fields) text(key string) string {
	v, ok := f.has(key)
	if !ok {
		return ""
	}
	text, _ := v.text()
	return text
}

// mustText reads a text that is there and not empty.
func (f *fields) mustText(key string) string {
	v, ok := f.must(key)
	if !ok {
		return ""
	}
	text, ok := v.text()
	if ok && strings.TrimSpace(text) == "" {
		v.failf("is empty")
	}
	return text
}

func (f *fields) mustID(key string) string {
	v, ok := f.must(key)
	if !ok {
		return ""
	}
	return v.identifier()
}

func (f *fields) mustDeviceID(key string) devices.ID {
	v, ok := f.must(key)
	if !ok {
		return ""
	}
	return v.deviceID()
}

func (f *fields) id(key string) string {
	v, ok := f.has(key)
	if !ok {
		return ""
	}
	return v.identifier()
}

func (f *fields) oneOf(key string, words ...string) string {
	v, ok := f.has(key)
	if !ok {
		return ""
	}
	return v.oneOf(words...)
}

func (f *fields) boolean(key string) bool {
	v, ok := f.has(key)
	return ok && v.boolean()
}

func (f *fields) duration(key string) time.Duration {
	v, ok := f.has(key)
	if !ok {
		return 0
	}
	return v.duration()
}

// mustDuration reads a duration above zero.
func (f *fields) mustDuration(key string) time.Duration {
	v, ok := f.must(key)
	if !ok {
		return 0
	}
	before := len(*f.r.faults)
	d := v.duration()
	if d == 0 && len(*f.r.faults) == before {
		v.failf("must be longer than zero")
	}
	return d
}

func (f *fields) time(key string) time.Time {
	v, ok := f.has(key)
	if !ok {
		return time.Time{}
	}
	return v.time()
}

func (f *fields) mustTime(key string) time.Time {
	v, ok := f.must(key)
	if !ok {
		return time.Time{}
	}
	return v.time()
}

func (f *fields) number(key string) (float64, bool) {
	v, ok := f.has(key)
	if !ok {
		return 0, false
	}
	return v.number()
}

func (f *fields) mustNumber(key string) (float64, bool) {
	v, ok := f.must(key)
	if !ok {
		return 0, false
	}
	return v.number()
}

func (f *fields) texts(key string) []string {
	v, ok := f.has(key)
	if !ok {
		return nil
	}
	return v.texts()
}

// list returns the items of an optional list.
func (f *fields) list(key string) []value {
	v, ok := f.has(key)
	if !ok {
		return nil
	}
	return v.list()
}

// textMap reads a mapping of texts.
func (f *fields) textMap(key string) map[string]string {
	entries := f.entries(key)
	if len(entries) == 0 {
		return nil
	}
	m := make(map[string]string, len(entries))
	for _, entry := range entries {
		if text, ok := entry.value.text(); ok {
			m[entry.key] = text
		}
	}
	return m
}

// entry is one key of a mapping whose keys are names, and its value.
type entry struct {
	key   string
	value value
}

// entries returns the keys and values of an optional mapping in the order
// they are written.
func (f *fields) entries(key string) []entry {
	v, ok := f.has(key)
	if !ok {
		return nil
	}
	inner := v.fields()
	var all []entry
	for i := 0; inner.node.Kind == yaml.MappingNode && i+1 < len(v.node.Content); i += 2 {
		name := v.node.Content[i]
		if item, ok := inner.values[name.Value]; ok && item.node == v.node.Content[i+1] {
			all = append(all, entry{name.Value, item})
		}
	}
	return all
}

// join writes words as "a, b or c".
func join(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
