package declare

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"telltale/devices"
	"telltale/ingest/codec/script"
)

// ScriptChecker looks at payload scripts without running them. What is wrong
// with one is a *[script.Error].
type ScriptChecker interface {
	Check(source string) error
}

// decoder reads a model's payload script, which stands in the document or in a
// file beside it.
func (f *fields) decoder() string {
	inline, isInline := f.has("decoder")
	file, isFile := f.has("decoder_file")
	var text string
	switch {
	case isInline && isFile:
		file.failf("stands beside decoder: a model has one payload script")
	case isInline:
		if text, _ = inline.text(); strings.TrimSpace(text) == "" && len(*f.r.faults) == 0 {
			inline.failf("is empty")
		}
	case isFile:
		path, ok := file.text()
		if !ok {
			return ""
		}
		if text, ok = f.r.decoders[path]; !ok {
			file.failf("%s was not read: apply from the command line, which reads files below the folder of the one that names them, or write the script under decoder", path)
		}
	}
	return text
}

// readDecoders reads the files that the models in a text name as decoder_file,
// below the folder of the one they stand in: a declaration from elsewhere must
// not fetch any file of whoever applies it.
func readDecoders(name string, text []byte) (map[string]string, error) {
	if !bytes.Contains(text, []byte("decoder_file")) {
		return nil, nil
	}
	root, err := os.OpenRoot(filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	decoders := make(map[string]string)
	var ignored Errors // whoever parses the text finds them again
	for _, doc := range documents(Source{Name: name, Text: text}, &ignored) {
		node := child(doc.node, "decoder_file")
		if node == nil || node.Kind != yaml.ScalarNode {
			continue
		}
		source, err := readDecoder(root, node.Value)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: decoder_file: %w", name, node.Line, err)
		}
		decoders[node.Value] = source
	}
	return decoders, nil
}

func readDecoder(root *os.Root, path string) (string, error) {
	info, err := root.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Size() > script.MaxSource {
		return "", fmt.Errorf("%s: script of %d bytes is longer than %d", path, info.Size(), script.MaxSource)
	}
	source, err := root.ReadFile(path)
	return string(source), err
}

// checkDecoders makes sure that payload scripts can be run.
func (s *Set) checkDecoders(known Known, faults *Errors) {
	if known.Scripts == nil {
		return
	}
	for _, m := range s.Models {
		if m.Decoder == "" {
			continue
		}
		if err := known.Scripts.Check(m.Decoder); err != nil {
			*faults = append(*faults, s.decoderFault(m, err))
		}
	}
}

// decoderFault says where in which file the fault of a script is.
func (s *Set) decoderFault(m *devices.Model, err error) *Error {
	ref := Ref{KindModel, m.ID}
	fault := s.fault(ref, "decoder", "%v", err)
	var e *script.Error
	doc := s.origins[ref]
	if !errors.As(err, &e) || e.Line == 0 || doc == nil {
		return fault
	}
	if node := child(doc.node, "decoder_file"); node != nil {
		fault.File = filepath.Join(filepath.Dir(doc.source.Name), filepath.FromSlash(node.Value))
		fault.Line, fault.Column, fault.Message = e.Line, e.Column, e.Message
		return fault
	}
	if node := child(doc.node, "decoder"); node != nil {
		if line, col := textPosition(doc.source.Text, node, e.Line, e.Column); col > 0 {
			fault.Line, fault.Column, fault.Message = line, col, e.Message
		}
	}
	return fault
}
