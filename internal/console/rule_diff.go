package console

import (
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// diffLine is one line of a difference between two texts.
type diffLine struct {
	Sign     string // "+", "-", or " " where both say the same
	Old, New int    // its number on either side, from 1; 0: it is not there
	Text     string
}

// Kind is what a reader who does not see the colours is told.
func (l diffLine) Kind() string {
	switch l.Sign {
	case "+":
		return "added"
	case "-":
		return "removed"
	default:
		return ""
	}
}

// diffTexts compares two texts line by line. Nil: they say the same.
func diffTexts(before, after string) []diffLine {
	edits := udiff.Lines(before, after)
	if len(edits) == 0 {
		return nil
	}
	var d differ
	at := 0
	for _, edit := range edits {
		d.add(" ", before[at:edit.Start])
		d.add("-", before[edit.Start:edit.End])
		d.add("+", edit.New)
		at = edit.End
	}
	d.add(" ", before[at:])
	return d.lines
}

// differ numbers lines on both sides.
type differ struct {
	lines    []diffLine
	old, new int
}

func (d *differ) add(sign, text string) {
	for line := range strings.Lines(text) {
		l := diffLine{Sign: sign, Text: strings.TrimRight(line, "\n")}
		if sign != "+" {
			d.old++
			l.Old = d.old
		}
		if sign != "-" {
			d.new++
			l.New = d.new
		}
		d.lines = append(d.lines, l)
	}
}
