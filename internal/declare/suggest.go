package declare

import (
	"fmt"
	"strings"

	"telltale/rules"
)

// suggestion returns ` (did you mean "x"?)` for the candidate nearest to
// word, or "" when none is near.
func suggestion(word string, candidates []string) string {
	best, bestDistance := "", 1+len(word)/3
	for _, c := range candidates {
		d := rules.EditDistance(strings.ToLower(word), strings.ToLower(c))
		if d < bestDistance || d == bestDistance && best == "" {
			best, bestDistance = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}
