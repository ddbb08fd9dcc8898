package script

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"telltale/rules"
)

// maxScriptSize bounds a script file. The steps of its series are bounded by
// maxSteps.
const maxScriptSize = 4 << 20

// placeError is what is wrong at a place of a script, until the file's name
// is known.
type placeError struct {
	line, col int // from 1; col 0: somewhere in the line; line 0: the whole file
	err       error
}

func (e *placeError) Error() string {
	switch {
	case e.line == 0:
		return e.err.Error()
	case e.col == 0:
		return fmt.Sprintf("%d: %v", e.line, e.err)
	default:
		return fmt.Sprintf("%d:%d: %v", e.line, e.col, e.err)
	}
}

func (e *placeError) Unwrap() error { return e.err }

// reader turns nodes of YAML into values and gathers every fault on the way.
type reader struct {
	faults []*placeError
	steps  int // of all series so far
}

func (r *reader) fail(n *yaml.Node, format string, args ...any) {
	r.faults = append(r.faults, &placeError{n.Line, n.Column, fmt.Errorf(format, args...)})
}

// orNil returns the faults in reading order, or nil.
func (r *reader) orNil() error {
	slices.SortStableFunc(r.faults, func(a, b *placeError) int {
		if a.line != b.line {
			return a.line - b.line
		}
		return a.col - b.col
	})
	all := make([]error, len(r.faults))
	for i, fault := range r.faults {
		all[i] = fault
	}
	return errors.Join(all...)
}

// document parses the text of a script, which is one YAML document.
func (r *reader) document(content []byte) *yaml.Node {
	if len(content) > maxScriptSize {
		r.fail(&yaml.Node{}, "the script is larger than %d MiB", maxScriptSize>>20)
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var document yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		r.fail(&yaml.Node{}, "the script is empty")
		return nil
	case err != nil:
		r.faults = append(r.faults, syntaxFault(err))
		return nil
	}
	var second yaml.Node
	switch err := decoder.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		r.faults = append(r.faults, syntaxFault(err))
		return nil
	default:
		r.fail(&second, "a script is one YAML document")
		return nil
	}
	if alias := findAlias(&document); alias != nil {
		r.fail(alias, "aliases are not read: write the value out") // one can stand for a document that grows without bound
		return nil
	}
	if len(document.Content) == 0 {
		r.fail(&document, "the script is empty")
		return nil
	}
	return document.Content[0]
}

// yamlMessage parts the line from the text of a YAML error.
var yamlMessage = regexp.MustCompile(`^yaml: (?:line (\d+): )?(?s:(.*))$`)

func syntaxFault(err error) *placeError {
	fault := &placeError{err: err}
	if parts := yamlMessage.FindStringSubmatch(err.Error()); parts != nil {
		fault.line, _ = strconv.Atoi(parts[1])
		fault.err = errors.New("this is not YAML: " + parts[2])
	}
	return fault
}

func findAlias(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n
	}
	for _, child := range n.Content {
		if alias := findAlias(child); alias != nil {
			return alias
		}
	}
	return nil
}

// mapping returns the values of a mapping that has no other keys than those.
// What is no mapping, and unknown and repeated keys, are faults.
func (r *reader) mapping(n *yaml.Node, keys ...string) map[string]*yaml.Node {
	values := make(map[string]*yaml.Node)
	for _, e := range r.entries(n, "a mapping with "+strings.Join(keys, ", ")) {
		if !slices.Contains(keys, e.key.Value) {
			hint := rules.Nearest(e.key.Value, keys)
			if hint == "" {
				hint = "there are " + strings.Join(keys, ", ")
			}
			r.fail(e.key, "unknown key %q (%s)", e.key.Value, hint)
			continue
		}
		values[e.key.Value] = e.value
	}
	return values
}

type entry struct{ key, value *yaml.Node }

// entries returns the keys and values of a mapping in the order they are
// written, each key once.
func (r *reader) entries(n *yaml.Node, what string) []entry {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.fail(n, "%s belongs here", what)
		return nil
	}
	var all []entry
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode:
			r.fail(key, "a key is a text")
		case seen[key.Value]:
			r.fail(key, "%s is there twice", key.Value)
		default:
			seen[key.Value] = true
			all = append(all, entry{key, n.Content[i+1]})
		}
	}
	return all
}

func (r *reader) list(n *yaml.Node, what string) []*yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.fail(n, "%s is a list", what)
		return nil
	}
	return n.Content
}

func (r *reader) text(n *yaml.Node, what string) string {
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		r.fail(n, "%s is a text", what)
		return ""
	}
	return n.Value
}

func (r *reader) duration(n *yaml.Node, what string) time.Duration {
	text := r.text(n, what)
	if text == "" {
		return 0
	}
	d, err := rules.ParseDuration(text)
	if err != nil {
		r.fail(n, "%w", err)
	}
	return d
}

func (r *reader) count(n *yaml.Node, what string) int {
	number, err := strconv.Atoi(r.text(n, what))
	if err != nil || number < 0 {
		r.fail(n, "%s is a whole number from 0", what)
		return 0
	}
	return number
}

// series reads the values of one metric, and bounds those of the whole script.
func (r *reader) series(n *yaml.Node) *steps {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.ScalarNode {
		r.fail(n, `a series is a text such as "4x5 9x9"`)
		return nil
	}
	parsed, err := parseSteps(n.Value)
	if err != nil {
		r.fail(n, "%w", err)
		return nil
	}
	s := &steps{node: n}
	for i := range parsed {
		r.steps += parsed[i].repeats
	}
	if r.steps > maxSteps {
		r.fail(n, "the series of a script are longer than %d steps in all", maxSteps)
		return s
	}
	s.all = expand(parsed)
	return s
}
