package declare

import (
	"bytes"

	"go.yaml.in/yaml/v3"
)

// isRuleScript reports whether a document is a script for the rule tester.
func isRuleScript(node *yaml.Node) bool {
	return child(node, "tests") != nil && child(node, "kind") == nil
}

// WithoutScripts parts files that were found in folders and hold nothing but
// rule scripts from the declarations, and returns their names: a script names
// files and may be about several rules, so it is played beside the gateway and
// not kept by it (decision 0025).
func WithoutScripts(sources []Source) (declarations []Source, scripts []string) {
	for _, source := range sources {
		if source.folder && holdsScripts(source) {
			scripts = append(scripts, source.Name)
		} else {
			declarations = append(declarations, source)
		}
	}
	return declarations, scripts
}

// holdsScripts reports whether all documents of a source are rule scripts.
func holdsScripts(source Source) bool {
	if !bytes.Contains(source.Text, []byte("tests")) {
		return false
	}
	var faults Errors
	docs := documents(source, &faults)
	for _, doc := range docs {
		if !isRuleScript(doc.node) {
			return false
		}
	}
	return len(docs) > 0 && len(faults) == 0
}
