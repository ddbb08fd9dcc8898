package rules

import (
	"errors"
	"fmt"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
)

// Bounds of one condition. They keep a declaration from buying unbounded work
// on every reading.
const (
	maxConditionBytes = 4096
	maxConditionNodes = 200

	tooManyParts = "the condition has more than 200 parts"
)

// parse reads the syntax of a condition. Meaning is checked afterwards, by a
// [checker]. Of expr-lang only the parser is used.
func parse(text string) (tree ast.Node, fault *problem) {
	if len(text) > maxConditionBytes {
		return nil, &problem{text: fmt.Sprintf("the condition is longer than %d bytes", maxConditionBytes)}
	}
	if strings.TrimSpace(text) == "" {
		return nil, &problem{text: "the condition is empty"}
	}
	// A parser that somebody else wrote reads what anybody may declare: a
	// panic in it must be that declaration's error and nobody else's.
	defer func() {
		if r := recover(); r != nil {
			tree, fault = nil, &problem{text: "the condition cannot be read"}
		}
	}()

	parsed, err := parser.ParseWithConfig(text, parserConfig())
	if err != nil {
		return nil, translate(err)
	}
	return parsed.Node, nil
}

// parserConfig makes the parser read every call as a plain call: expr-lang's
// own functions, some of which are loops, are not part of our language.
func parserConfig() *conf.Config {
	config := &conf.Config{
		Functions:         make(conf.FunctionsTable),
		MaxNodes:          maxConditionNodes,
		DisableIfOperator: true,
	}
	for _, name := range builtin.Names {
		config.Functions[name] = nil // overridden: parsed like any other name
	}
	return config
}

// translate puts the parser's errors into words for people who write rules.
func translate(err error) *problem {
	var at *file.Error
	if !errors.As(err, &at) {
		return &problem{text: err.Error()}
	}
	p := &problem{offset: at.From, text: at.Message}
	if strings.Contains(at.Message, "maximum allowed nodes") {
		p.text, p.hint = tooManyParts, "split the rule"
		return p
	}
	if strings.HasPrefix(at.Message, "unrecognized character: U+00B0") {
		p.text, p.hint = `"°" is not expected here`, "write 8, or degC(8) and degF(46) for other units than the metric's"
		return p
	}
	token, ok := strings.CutPrefix(at.Message, "unexpected token ")
	if !ok {
		return p
	}
	if token == "EOF" {
		p.text = "the condition ends too early"
		return p
	}
	word := token
	if _, quoted, ok := strings.Cut(token, "("); ok {
		word = strings.Trim(strings.TrimSuffix(quoted, ")"), `"`)
	}
	p.text = fmt.Sprintf("%q is not expected here", word)
	p.hint = tokenHint(word)
	return p
}

func tokenHint(word string) string {
	switch strings.ToLower(word) {
	case "=":
		return "write == to compare"
	case "and", "or", "not", "in":
		if word != strings.ToLower(word) {
			return fmt.Sprintf("write %s in small letters", strings.ToLower(word))
		}
	case "if", "else", "let", ";":
		return "a condition is one expression"
	}
	return ""
}
