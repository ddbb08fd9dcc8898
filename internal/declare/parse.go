package declare

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// Parse reads declarations from files and folders. A folder stands for its
// *.yaml and *.yml files, those of its sub-folders included; rule scripts
// (documents with tests and without a kind) that lie among them are left to
// the test runner, and are a fault in a file that was named. Faults in the declarations come back as [Errors], all of
// them; references and conditions are looked at by [Set.Check].
func Parse(paths ...string) (*Set, error) {
	sources, err := ReadSources(paths...)
	if err != nil {
		return nil, err
	}
	return ParseSources(sources...)
}

// ParseSources is [Parse] for texts that are at hand.
func ParseSources(sources ...Source) (*Set, error) {
	set, _, faults := parseSources(sources)
	if err := faults.orNil(); err != nil {
		return nil, err
	}
	return set, nil
}

// parseSources returns the declarations without faults, those with some as far
// as they could be read, and the faults.
func parseSources(sources []Source) (set *Set, flawed []flaw, faults Errors) {
	set = &Set{}
	for _, source := range sources {
		for _, doc := range documents(source, &faults) {
			before := len(faults)
			if declaration := set.read(doc, &faults); declaration != nil {
				flawed = append(flawed, flaw{declaration, doc, faults[before:]})
			}
		}
	}
	return set, flawed, faults
}

// flaw is a declaration with faults.
type flaw struct {
	declaration any
	doc         *document
	faults      Errors
}

// document is one YAML document and where it stands.
type document struct {
	source Source
	node   *yaml.Node // the mapping
}

// documents parses all YAML documents of a source, up to the first that is no
// YAML.
func documents(source Source, faults *Errors) []*document {
	var docs []*document
	decoder := yaml.NewDecoder(bytes.NewReader(source.Text))
	for {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			return docs
		}
		if err != nil {
			*faults = append(*faults, syntaxError(source.Name, err))
			return docs
		}
		if node.Kind != yaml.DocumentNode || len(node.Content) == 0 || node.Content[0].Tag == "!!null" {
			continue // nothing but comments
		}
		if alias := findAlias(&node); alias != nil {
			// An alias can stand for a document that grows without bound.
			*faults = append(*faults, &Error{
				File: source.Name, Line: alias.Line, Column: alias.Column, Message: "aliases are not read: write the value out",
			})
			continue
		}
		docs = append(docs, &document{source, node.Content[0]})
	}
}

// yamlMessage parts the line from the text of a YAML error.
var yamlMessage = regexp.MustCompile(`^yaml: (?:line (\d+): )?(?s:(.*))$`)

func syntaxError(file string, err error) *Error {
	fault := &Error{File: file, Message: err.Error()}
	if parts := yamlMessage.FindStringSubmatch(err.Error()); parts != nil {
		fault.Line, _ = strconv.Atoi(parts[1])
		fault.Message = "this is not YAML: " + parts[2]
	}
	return fault
}

func findAlias(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node
	}
	for _, child := range node.Content {
		if alias := findAlias(child); alias != nil {
			return alias
		}
	}
	return nil
}

// read adds the declaration of one document, or its faults. A declaration with
// faults is not added but returned, as far as it could be read.
func (s *Set) read(doc *document, faults *Errors) (flawed any) {
	r := &reading{file: doc.source.Name, decoders: doc.source.Decoders, faults: faults}
	if isRuleScript(doc.node) && doc.source.folder {
		return nil
	}
	if isRuleScript(doc.node) && child(doc.node, "rules") != nil { // without it, it may be a rule whose kind is missing
		value{r: r, node: doc.node}.failf("this is a rule script and no declaration: play it with \"telltale rules test\"; tests that the gateway is to keep stand under tests in their rule")
		return nil
	}
	f := value{r: r, node: doc.node}.fields()
	before := len(*faults)
	kindValue, ok := f.must("kind")
	if !ok {
		return nil // without a kind every key would be unknown
	}
	word, ok := kindValue.text()
	if !ok {
		return nil
	}
	kind, err := ParseKind(word)
	if err != nil {
		kindValue.failf("%v", err)
		return nil
	}
	r.ref = Ref{Kind: kind, ID: f.values["id"].plain()}
	declaration := readerOf(kind)(f)
	f.done()
	if first, twice := s.origins[r.ref]; twice && r.ref.ID != "" {
		f.failf("is declared twice, first at %s:%d", first.source.Name, first.node.Line)
	}
	if len(*faults) == before {
		s.add(declaration, doc)
		return nil
	}
	s.reserve(r.ref, doc)
	return declaration
}

// reserve remembers a declaration that has faults, so that a second one of
// the same name is still noticed.
func (s *Set) reserve(ref Ref, doc *document) {
	if s.origins == nil {
		s.origins = make(map[Ref]*document)
	}
	if _, taken := s.origins[ref]; !taken {
		s.origins[ref] = doc
	}
}

// plain returns the text of a scalar, or "", without a word about faults.
func (v value) plain() string {
	if v.node == nil || v.node.Kind != yaml.ScalarNode {
		return ""
	}
	return v.node.Value
}

// child returns the value of a key, or nil.
func child(node *yaml.Node, key string) *yaml.Node {
	if node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}
