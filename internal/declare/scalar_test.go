package declare

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// whereIs parses a document and says where a word of the scalar under when
// stands, and the character that is there.
func whereIs(t *testing.T, text, word string) (line, col int, char string) {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	node := child(document.Content[0], "when")
	before, _, ok := strings.Cut(node.Value, word)
	if !ok {
		t.Fatalf("%q is not in %q", word, node.Value)
	}
	last := strings.LastIndexByte(before, '\n')
	valueLine := strings.Count(before, "\n") + 1
	valueCol := len([]rune(before[last+1:])) + 1
	line, col = textPosition([]byte(text), node, valueLine, valueCol)
	if col > 0 {
		if rest := splitLines([]byte(text))[line-1]; col <= len(rest) {
			char = string(rest[col-1])
		}
	}
	return line, col, char
}

func TestEveryCharacterOfATextIsFoundInItsFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		line, col  int // of the X
	}{
		{"plain", "when: a X", 1, 9},
		{"plain in braces", "{id: r, when: a  X, b: c}", 1, 18},
		{"plain over two lines", "when: a\n  b X\nb: c", 2, 5},
		{"plain with an empty line", "when: a  \n\n\n   b X", 4, 6},
		{"plain with a tag and an anchor", "when: !!str &a b X", 1, 18},
		{"wide characters before it", "{title: Kühlung °C, when: ä X}", 1, 29},
		{"single quotes", "when: 'a X'", 1, 10},
		{"single quotes with a quote", "when: 'a '' X'", 1, 13},
		{"single quotes over lines", "when: 'a\n\n  b X'", 3, 5},
		{"double quotes", `when: "a X"`, 1, 10},
		{"double quotes with escapes", `when: "\u00e4\t\"\\\x41 X"`, 1, 25},
		{"double quotes over lines", "when: \"a\n   b X\"", 2, 6},
		{"double quotes with an escaped line end", "when: \"a \\\n   b X\"", 2, 6},
		{"literal", "when: |\n  a\n  b X\n", 3, 5},
		{"literal, stripped", "when: |-\n  a\n  b X", 3, 5},
		{"literal with a comment", "when: | # why\n    a\n\n    b X\nid: r\n", 4, 7},
		{"literal that begins with empty lines", "when: |\n\n\n  b X\n", 4, 5},
		{"literal with lines further in", "when: |\n  a\n    b X\n  c\n", 3, 7},
		{"folded", "when: >\n  a\n  b X\n", 3, 5},
		{"folded, kept", "when: >+\n  a\n  b X\n\n", 3, 5},
		{"folded with empty lines", "when: >\n  a\n\n\n  b X\n", 5, 5},
		{"folded with lines further in", "when: >\n  a\n    b\n    c X\n  d\n", 4, 7},
		{"folded, behind lines further in", "when: >\n  a\n    b\n\n  d X\n", 5, 5},
		{"line ends of Windows", "when: >\r\n  a\r\n  b X\r\n", 3, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			line, col, char := whereIs(t, c.text, "X")
			if line != c.line || col != c.col || char != "X" {
				t.Errorf("found at %d:%d, where %q stands, want %d:%d", line, col, char, c.line, c.col)
			}
		})
	}
}

func TestAPositionBehindTheTextIsBehindItsLastCharacter(t *testing.T) {
	t.Parallel()
	const text = "when: a >\nid: r\n"
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	if line, col := textPosition([]byte(text), child(document.Content[0], "when"), 1, 4); line != 1 || col != 10 {
		t.Errorf("at %d:%d", line, col)
	}
}

func TestAnIndentationThatTheHeaderSaysFallsBackToTheLine(t *testing.T) {
	t.Parallel()
	line, col, _ := whereIs(t, "id: r\nwhen: |1\n   a X\n", "X")
	if line != 2 || col != 0 {
		t.Errorf("at %d:%d, want line 2 alone", line, col)
	}
}

// FuzzPlacesOf: wherever a scalar is found, what stands there is what was
// read, but for line ends, quotes and escapes.
func FuzzPlacesOf(f *testing.F) {
	for _, seed := range []string{
		"when: a b", "when: 'a '' b'", `when: "a\n\u00e4 b"`, "when: |\n  a\n   b\n\n  c\n", "when: >-\n  a\n\n   b\n  c\n", "when: a\n  b\n\n  c",
		"? when\n: !!str 'x'", "{when: [a, \"b\n  c\"]}", "when: |2\n   a\n", "when: \"a\\\n  b\"",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var document yaml.Node
		if err := yaml.Unmarshal([]byte(text), &document); err != nil {
			return
		}
		lines := splitLines([]byte(text))
		var walk func(n *yaml.Node)
		walk = func(n *yaml.Node) {
			for _, inner := range n.Content {
				walk(inner)
			}
			if n.Kind != yaml.ScalarNode {
				return
			}
			places, ok := placesOf([]byte(text), n)
			if !ok {
				return
			}
			for i, r := range []rune(n.Value) {
				at := places[i]
				if at.line < 1 || at.line > len(lines) || at.col < 1 || at.col > len(lines[at.line-1])+1 {
					t.Fatalf("character %d of %q is at %+v", i, n.Value, at)
				}
				if r == ' ' || r == '\n' || n.Style&yaml.DoubleQuotedStyle != 0 {
					continue
				}
				if got := lines[at.line-1][at.col-1]; got != r {
					t.Fatalf("character %d of %q is %q at %+v", i, n.Value, got, at)
				}
			}
		}
		walk(&document)
	})
}
