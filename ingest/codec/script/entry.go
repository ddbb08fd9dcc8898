package script

import (
	"errors"
	"slices"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/parser"
)

// entries are the functions that a script may offer, the best first, each with
// what it is called with.
var entries = []string{
	"decodeUplink", // TS013: ({bytes, fPort, recvTime, variables}) -> {data, errors, warnings}
	"Decode",       // ChirpStack 3: (fPort, bytes, variables) -> data
	"Decoder",      // The Things Stack 2: (bytes, port) -> data
}

// program is a compiled script.
type program struct {
	script *goja.Program
	entry  string        // one of entries
	lookup *goja.Program // yields the entry; a constant is no property of the global object
}

// compile parses a script. Errors are *Error.
func compile(source string) (*program, error) {
	// A source map would be read from the file system.
	tree, err := parser.ParseFile(nil, scriptName, source, 0, parser.WithDisableSourceMaps)
	if err != nil {
		return nil, syntaxError(err)
	}
	p := &program{}
	if p.script, err = goja.CompileAST(tree, false); err != nil {
		return nil, syntaxError(err)
	}
	names := declared(tree)
	for _, entry := range entries {
		if names[entry] {
			p.entry = entry
			break
		}
	}
	if p.entry == "" {
		return nil, &Error{Message: "there is no function decodeUplink(input), nor Decode(fPort, bytes, variables) or Decoder(bytes, port)"}
	}
	p.lookup, err = goja.Compile("entry", p.entry, false)
	return p, err
}

// syntaxError returns the first fault that the parser found.
func syntaxError(err error) error {
	var list parser.ErrorList
	var early *goja.CompilerSyntaxError
	switch {
	case errors.As(err, &list) && len(list) > 0:
		first := list[0]
		return &Error{Message: "SyntaxError: " + first.Message, Line: first.Position.Line, Column: first.Position.Column}
	case errors.As(err, &early) && early.File != nil:
		at := early.File.Position(early.Offset)
		return &Error{Message: "SyntaxError: " + early.Message, Line: at.Line, Column: at.Column}
	default:
		return &Error{Message: "SyntaxError: " + err.Error()}
	}
}

// declared returns those entries that a script gives a meaning at its top
// level, as a function, a variable or an assignment.
func declared(tree *ast.Program) map[string]bool {
	names := make(map[string]bool)
	note := func(e ast.Node) {
		if id, ok := e.(*ast.Identifier); ok && slices.Contains(entries, id.Name.String()) {
			names[id.Name.String()] = true
		}
	}
	bind := func(list []*ast.Binding) {
		for _, b := range list {
			note(b.Target)
		}
	}
	for _, statement := range tree.Body {
		switch s := statement.(type) {
		case *ast.FunctionDeclaration:
			note(s.Function.Name)
		case *ast.VariableStatement:
			bind(s.List)
		case *ast.LexicalDeclaration:
			bind(s.List)
		case *ast.ExpressionStatement:
			if a, ok := s.Expression.(*ast.AssignExpression); ok {
				note(a.Left)
			}
		}
	}
	return names
}
