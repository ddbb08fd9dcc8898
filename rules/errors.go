package rules

import (
	"errors"
	"fmt"
	"strings"
)

// SyntaxError is one thing that is wrong with a rule as it is written.
type SyntaxError struct {
	File   string // "" until the reader of the declaration fills it in
	Line   int    // from 1; within the condition until File is filled in; 0: not about a place
	Col    int    // from 1, in characters
	Rule   string // Rule.ID
	Clause string // the rule's key it is about: "when", "clear_when", "for", "escalate[1].when", ...
	Text   string // of the condition it is in; "": in none
	Err    error  // what is wrong
	Hint   string // what to write instead; "" when there is no good guess
}

// Error returns one sentence with the position, the rule and the hint.
func (e *SyntaxError) Error() string {
	var b strings.Builder
	if e.File != "" {
		fmt.Fprintf(&b, "%s:", e.File)
		if e.Line > 0 {
			fmt.Fprintf(&b, "%d:%d:", e.Line, e.Col)
		}
		b.WriteByte(' ')
	}
	fmt.Fprintf(&b, "rule %s, %s", e.Rule, e.Clause)
	if e.File == "" && e.Line > 0 {
		fmt.Fprintf(&b, " %d:%d", e.Line, e.Col)
	}
	fmt.Fprintf(&b, ": %v", e.Err)
	if e.Hint != "" {
		fmt.Fprintf(&b, " (%s)", e.Hint)
	}
	return b.String()
}

// Unwrap returns what is wrong, without the position.
func (e *SyntaxError) Unwrap() error { return e.Err }

// problem is a fault at a place in a condition, before it is known which
// rule the condition belongs to.
type problem struct {
	offset int // in characters from the start of the condition
	text   string
	hint   string
}

// in says which rule's clause the problem is in.
func (p problem) in(text, rule, clause string) *SyntaxError {
	line, col := position(text, p.offset)
	return &SyntaxError{Line: line, Col: col, Rule: rule, Clause: clause, Text: text, Err: errors.New(p.text), Hint: p.hint}
}

// position turns an offset in characters into a line and a column from 1.
func position(text string, offset int) (line, col int) {
	line, col = 1, 1
	seen := 0
	for _, r := range text {
		if seen == offset {
			break
		}
		seen++
		col++
		if r == '\n' {
			line, col = line+1, 1
		}
	}
	return line, col
}

// Nearest returns `did you mean "x"?` for the candidate most like word, or ""
// when none is near enough to be a likely slip. Candidates must be sorted, so
// that the same word gets the same answer.
func Nearest(word string, candidates []string) string {
	best, bestDistance := "", 2+len(word)/4
	for _, c := range candidates {
		if d := EditDistance(strings.ToLower(word), strings.ToLower(c)); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", best)
}

// EditDistance counts the insertions, deletions and replacements of bytes that
// lead from a to b (Levenshtein). Whoever suggests a word for a misspelt one
// measures with it.
func EditDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
