package declare

import (
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// place is a position in a file, from 1; columns count characters.
type place struct{ line, col int }

// textPosition turns a position in a scalar's text into one in the file. Col 0
// means that only the line of the scalar is known.
func textPosition(source []byte, node *yaml.Node, line, col int) (fileLine, fileCol int) {
	offset := offsetOf(node.Value, line, col)
	places, ok := placesOf(source, node)
	if !ok {
		return node.Line, 0
	}
	if offset < len(places) {
		return places[offset].line, places[offset].col
	}
	last := places[len(places)-1] // behind the text: an end that comes too early
	return last.line, last.col + 1
}

// offsetOf turns a line and a column into a number of characters.
func offsetOf(text string, line, col int) int {
	offset := 0
	for l := 1; l < line; l++ {
		end := strings.IndexByte(text, '\n')
		if end < 0 {
			break
		}
		offset += utf8.RuneCountInString(text[:end+1])
		text = text[end+1:]
	}
	return offset + col - 1
}

// placesOf finds where the characters of a scalar stand in the file it was
// read from. It reads the scalar a second time, as YAML says, and is believed
// only when the same text comes out.
func placesOf(source []byte, node *yaml.Node) ([]place, bool) {
	s := scan{lines: splitLines(source), line: node.Line, col: node.Column}
	value := []rune(node.Value)
	s.want = len(value)
	if s.want == 0 || node.Line < 1 || node.Line > len(s.lines) {
		return nil, false
	}
	switch {
	case node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		s.block(node.Style&yaml.FoldedStyle != 0)
	case node.Style&yaml.DoubleQuotedStyle != 0:
		s.flow('"')
	case node.Style&yaml.SingleQuotedStyle != 0:
		s.flow('\'')
	default:
		s.flow(0)
	}
	if len(s.text) < s.want || string(s.text[:s.want]) != node.Value {
		return nil, false
	}
	return s.places[:s.want], true
}

func splitLines(source []byte) [][]rune {
	lines := strings.Split(strings.ReplaceAll(string(source), "\r\n", "\n"), "\n")
	all := make([][]rune, len(lines))
	for i, line := range lines {
		all[i] = []rune(line)
	}
	return all
}

// scan reads one scalar and notes where each character of its text stands.
type scan struct {
	lines     [][]rune
	line, col int // of the next character
	want      int // how many characters are enough

	text   []rune
	places []place
}

func (s *scan) add(r rune) { s.addAt(r, place{s.line, s.col}) }

func (s *scan) addAt(r rune, at place) {
	s.text, s.places = append(s.text, r), append(s.places, at)
}

func (s *scan) done() bool { return len(s.text) >= s.want || s.line > len(s.lines) }

// rest is what is left of the line.
func (s *scan) rest() []rune {
	line := s.lines[s.line-1]
	return line[min(s.col-1, len(line)):]
}

// flow reads a plain or quoted scalar.
func (s *scan) flow(quote rune) {
	s.skipMarks()
	if quote != 0 {
		s.col++
	}
	for !s.done() {
		rest := s.rest()
		switch {
		case blank(rest):
			s.fold()
		case quote == '"' && rest[0] == '\\':
			s.escape(rest)
		case quote == '\'' && rest[0] == '\'':
			s.add('\'')
			s.col += 2
		default:
			s.add(rest[0])
			s.col++
		}
	}
}

// skipMarks goes past the tag and the anchor of a scalar.
func (s *scan) skipMarks() {
	for {
		rest := s.rest()
		if len(rest) == 0 || rest[0] != '!' && rest[0] != '&' {
			return
		}
		for len(s.rest()) > 0 && !isBlank(s.rest()[0]) {
			s.col++
		}
		for len(s.rest()) > 0 && isBlank(s.rest()[0]) {
			s.col++
		}
	}
}

func isBlank(r rune) bool { return r == ' ' || r == '\t' }

func blank(text []rune) bool { return strings.Trim(string(text), " \t") == "" }

// fold goes over the end of a line: it becomes a space, or as many line ends
// as there are empty lines behind it.
func (s *scan) fold() {
	end := place{s.line, s.col}
	breaks := 0
	for s.line <= len(s.lines) && blank(s.rest()) {
		s.line, s.col = s.line+1, 1
		breaks++
	}
	if s.line <= len(s.lines) {
		rest := s.rest()
		s.col += len(rest) - len([]rune(strings.TrimLeft(string(rest), " \t")))
	}
	if breaks == 1 {
		s.addAt(' ', end)
		return
	}
	for range breaks - 1 {
		s.addAt('\n', end)
	}
}

// escape reads a backslash within double quotes.
func (s *scan) escape(rest []rune) {
	if blank(rest[1:]) { // the line goes on in the next one, without a space
		s.line, s.col = s.line+1, 1
		for s.line <= len(s.lines) && len(s.rest()) > 0 && isBlank(s.rest()[0]) {
			s.col++
		}
		return
	}
	length := 2
	switch rest[1] {
	case 'x':
		length = 4
	case 'u':
		length = 6
	case 'U':
		length = 10
	}
	length = min(length, len(rest))
	var decoded string
	if err := yaml.Unmarshal([]byte(`"`+string(rest[:length])+`"`), &decoded); err != nil {
		s.line = len(s.lines) + 1 // cannot be: it was read before
		return
	}
	for _, r := range decoded {
		s.add(r)
	}
	s.col += length
}

// block reads a literal or folded block, which begins in the line behind its
// header.
func (s *scan) block(folded bool) {
	indent := s.blockIndent()
	s.line++
	afterBlank := false // the line before began with a blank: it is not folded
	end := place{}      // of the line before
	empty := 0          // empty lines since
	first := true
	for ; !s.done(); s.line++ {
		line := s.lines[s.line-1]
		if len(line) <= indent && blank(line) {
			empty++
			if first { // those further down wait for what follows
				s.addAt('\n', place{s.line, 1})
			}
			continue
		}
		if leading(line) < indent {
			break
		}
		startsBlank := isBlank(line[indent])
		if !first {
			s.join(folded && !afterBlank && !startsBlank, empty, end)
		}
		first, empty, afterBlank = false, 0, startsBlank
		for i := indent; i < len(line); i++ {
			s.addAt(line[i], place{s.line, i + 1})
		}
		end = place{s.line, len(line) + 1}
	}
	if !first {
		s.join(false, empty, end)
	}
}

// join adds what stands between two lines of a block with a number of empty
// ones between.
func (s *scan) join(fold bool, empty int, end place) {
	switch {
	case !fold:
		s.addAt('\n', end)
	case empty == 0:
		s.addAt(' ', end)
	}
	for range empty {
		s.addAt('\n', end)
	}
}

func leading(line []rune) int {
	n := 0
	for n < len(line) && line[n] == ' ' {
		n++
	}
	return n
}

// blockIndent is how far a block is indented: as far as its first line that is
// not empty. A header that says something else, as in |2, is not followed:
// then another text comes out, and is not believed.
func (s *scan) blockIndent() int {
	for i := s.line; i < len(s.lines); i++ {
		if !blank(s.lines[i]) {
			return leading(s.lines[i])
		}
	}
	return 0
}
