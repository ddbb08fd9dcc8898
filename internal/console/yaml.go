package console

import (
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"

	"telltale/internal/declare"
)

// withHead returns the YAML of a rule with kind and id added where they are
// missing. They go to the end, so that the lines in errors stay true.
func withHead(text []byte, id string) ([]byte, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil || len(document.Content) == 0 {
		return text, nil //nolint:nilerr // the parser of declarations says what is wrong
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		return text, nil
	}
	if root.Style&yaml.FlowStyle != 0 {
		var fields map[string]any
		if err := root.Decode(&fields); err != nil {
			return text, nil //nolint:nilerr // as above
		}
		return json.Marshal(addHead(fields, id))
	}
	given := make(map[string]bool)
	for i := 0; i < len(root.Content); i += 2 {
		given[root.Content[i].Value] = true
	}
	text = append(text[:len(text):len(text)], '\n')
	if !given["kind"] {
		text = fmt.Appendf(text, "kind: %s\n", declare.KindRule)
	}
	if !given["id"] {
		quoted, err := json.Marshal(id) // a JSON string is a YAML one
		if err != nil {
			return nil, err
		}
		text = fmt.Appendf(text, "id: %s\n", quoted)
	}
	return text, nil
}

// addHead adds kind and id to a rule where they are missing.
func addHead(fields map[string]any, id string) map[string]any {
	for name, value := range map[string]any{"kind": string(declare.KindRule), "id": id} {
		if _, given := fields[name]; !given {
			fields[name] = value
		}
	}
	return fields
}
