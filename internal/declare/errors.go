package declare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is one fault in a declaration, for the person who wrote it.
type Error struct {
	File    string // "" when the declaration came from no file
	Line    int    // from 1; 0: unknown
	Column  int    // from 1; 0: the whole line
	Ref     Ref    // zero when the document does not say what it declares
	Field   string // path of the key, such as "owners[0].from"; "" for the whole
	Message string // a sentence, lower case
	Hint    string // what to write instead; "" when there is no good guess
}

// Error returns "file:line:column: Kind id: field: message".
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File)
		if e.Line > 0 {
			fmt.Fprintf(&b, ":%d", e.Line)
		}
		if e.Line > 0 && e.Column > 0 {
			fmt.Fprintf(&b, ":%d", e.Column)
		}
		b.WriteString(": ")
	}
	if e.Ref != (Ref{}) {
		b.WriteString(strings.TrimSpace(e.Ref.String()) + ": ")
	}
	if e.Field != "" {
		b.WriteString(e.Field + ": ")
	}
	b.WriteString(e.Sentence())
	return b.String()
}

// Sentence is the message with its hint, without the place.
func (e *Error) Sentence() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + " (" + e.Hint + ")"
}

// Errors are all faults of a set of declarations, by file, line and column.
type Errors []*Error

// Error returns one line for each fault.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, fault := range e {
		lines[i] = fault.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives errors.As the single faults.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, fault := range e {
		all[i] = fault
	}
	return all
}

// orNil returns the faults in reading order, or nil when there are none.
func (e Errors) orNil() error {
	if len(e) == 0 {
		return nil
	}
	slices.SortStableFunc(e, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return e
}
