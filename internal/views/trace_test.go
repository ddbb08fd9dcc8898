package views

import (
	"errors"
	"testing"
)

func TestAPositionHasOneText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Position{
		"p3/10293/17":               {3, 10293, 17},
		"p0/1":                      {0, 1, -1},
		"p0/18446744073709551615/0": {0, 1<<64 - 1, 0},
		"p65535/1/2147483647":       {65535, 1, 1<<31 - 1},
	} {
		got, err := ParsePosition(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%s: got %+v (%s), %v", text, got, got, err)
		}
	}
	for _, text := range []string{"", "p", "p3", "3/1/1", "p3/0", "p3/-1", "p03/1", "p3/01/1", "p3/1/", "p3/1/1/1", "p3/1/x", "p99999999/1", "p3/+1", "P3/1/1"} {
		if got, err := ParsePosition(text); !errors.Is(err, ErrTrace) {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	}
}

func FuzzParsePosition(f *testing.F) {
	f.Add("p3/10293/17")
	f.Add("p0/1")
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := ParsePosition(text); err == nil && p.String() != text {
			t.Errorf("%q is read as %s", text, p)
		}
	})
}
