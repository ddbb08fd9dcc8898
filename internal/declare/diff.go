package declare

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Action is what applying does to a declaration.
type Action string

// Actions.
const (
	Created   Action = "created"
	Changed   Action = "changed"
	Unchanged Action = "unchanged"
)

// Plan says what applying a set does, or has done.
type Plan struct {
	Changes []Change // in the order of [Set.Refs]
	Version int64    // of the declarations, after applying
}

// Change is what happens to one declaration.
type Change struct {
	Ref    Ref
	Action Action
	Fields []FieldChange   // of a changed one, by path
	Spec   json.RawMessage // the wanted spec
}

// FieldChange is one value that differs, as JSON texts; "" stands for a value
// that is not there.
type FieldChange struct {
	Path     string
	Old, New string
}

// Diff compares the specs that are stored with the set that is wanted.
// Declarations that the set does not mention stay as they are.
func Diff(current map[Ref]json.RawMessage, wanted *Set) (Plan, error) {
	plan := Plan{Changes: make([]Change, 0, wanted.Len())}
	for _, declaration := range wanted.all() {
		spec, err := encode(declaration)
		if err != nil {
			return Plan{}, err
		}
		change := Change{Ref: refOf(declaration), Action: Created, Spec: spec}
		if stored, ok := current[change.Ref]; ok {
			change.Action = Unchanged
			if change.Fields, err = diffSpecs(stored, spec); err != nil {
				return Plan{}, fmt.Errorf("compare %s: %w", change.Ref, err)
			}
			if len(change.Fields) > 0 {
				change.Action = Changed
			}
		}
		plan.Changes = append(plan.Changes, change)
	}
	return plan, nil
}

func diffSpecs(stored, wanted json.RawMessage) ([]FieldChange, error) {
	if bytes.Equal(stored, wanted) {
		return nil, nil
	}
	var before, after any
	if err := json.Unmarshal(stored, &before); err != nil {
		return nil, fmt.Errorf("read stored spec: %w", err)
	}
	if err := json.Unmarshal(wanted, &after); err != nil {
		return nil, fmt.Errorf("read wanted spec: %w", err)
	}
	return diffTrees(nil, "", before, after), nil
}

// diffTrees descends into mappings, and into lists of one length; a list that
// grows or shrinks is shown whole.
func diffTrees(changes []FieldChange, path string, before, after any) []FieldChange {
	if reflect.DeepEqual(before, after) {
		return changes
	}
	if a, ok := before.(map[string]any); ok {
		if b, ok := after.(map[string]any); ok {
			return diffMaps(changes, path, a, b)
		}
	}
	if a, ok := before.([]any); ok {
		if b, ok := after.([]any); ok && len(a) == len(b) {
			for i := range a {
				changes = diffTrees(changes, fmt.Sprintf("%s[%d]", path, i), a[i], b[i])
			}
			return changes
		}
	}
	return append(changes, FieldChange{path, text(before), text(after)})
}

func diffMaps(changes []FieldChange, path string, before, after map[string]any) []FieldChange {
	keys := make(map[string]any, len(before)+len(after))
	for key := range before {
		keys[key] = nil
	}
	for key := range after {
		keys[key] = nil
	}
	for _, key := range sortedKeys(keys) {
		inner := key
		if path != "" {
			inner = path + "." + key
		}
		changes = diffTrees(changes, inner, before[key], after[key])
	}
	return changes
}

// text writes a value as people read it: texts without quotes.
func text(tree any) string {
	switch t := tree.(type) {
	case nil:
		return ""
	case string:
		return t
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(tree); err != nil {
		return fmt.Sprint(tree)
	}
	return strings.TrimSpace(b.String())
}

// Count returns how many declarations the plan treats so.
func (p Plan) Count(action Action) int {
	n := 0
	for _, change := range p.Changes {
		if change.Action == action {
			n++
		}
	}
	return n
}

// Empty reports whether the plan changes nothing.
func (p Plan) Empty() bool { return p.Count(Unchanged) == len(p.Changes) }

// String prints one line for each created ("+") and changed ("~") declaration
// and a summary.
func (p Plan) String() string {
	var b strings.Builder
	for _, change := range p.Changes {
		switch change.Action {
		case Created:
			fmt.Fprintf(&b, "+ %s\n", change.Ref)
		case Changed:
			fmt.Fprintf(&b, "~ %s: %s\n", change.Ref, fieldChanges(change.Fields))
		}
	}
	fmt.Fprintf(&b, "%d created, %d changed, %d unchanged\n",
		p.Count(Created), p.Count(Changed), p.Count(Unchanged))
	return b.String()
}

func fieldChanges(fields []FieldChange) string {
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = fmt.Sprintf("%s %s -> %s", f.Path, orNone(f.Old), orNone(f.New))
		if long := f.Old + f.New; strings.Contains(long, "\n") || len(long) > lineRoom*2 {
			parts[i] = f.Path + " rewritten" // a page of text is not shown in a line
		}
	}
	return strings.Join(parts, "; ")
}

func orNone(text string) string {
	if text == "" {
		return "(none)"
	}
	return text
}
