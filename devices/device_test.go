package devices

import (
	"strings"
	"testing"
)

func TestIDs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		s        string
		id, name bool
	}{
		{"fridge-17", true, true},
		{"a.b_c:d", true, true},
		{"Plant/Line:201/oven", true, false},
		{"", false, false},
		{"/a", false, false},
		{"a/", false, false},
		{"a//b", false, false},
		{"/", false, false},
		{"a b", false, false},
		{"a/b c", false, false},
		{"ofen-ö", false, false},
		{strings.Repeat("x", 128), true, true},
		{strings.Repeat("x", 129), false, false},
		{strings.Repeat("x/", 64) + "x", false, false},
	} {
		if got := ValidID(c.s); got != c.id {
			t.Errorf("ValidID(%q) = %v", c.s, got)
		}
		if got := ValidName(c.s); got != c.name {
			t.Errorf("ValidName(%q) = %v", c.s, got)
		}
	}
}
