package declare

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Table is a CSV file of rows that declare, or add to, things of one kind.
// [Table.Resolve] turns it into a set.
type Table struct {
	layout layout
	rows   []row
	faults Errors // rows that cannot be read at all
}

// row is one line of a table: the cells that are not empty, by column.
type row struct {
	file  string
	line  int
	cells map[string]string
}

// failf returns a fault of the row.
func (r row) failf(ref Ref, format string, args ...any) *Error {
	return &Error{File: r.file, Line: r.line, Ref: ref, Message: fmt.Sprintf(format, args...)}
}

// Tables lists what [ReadTable] takes as kind.
func Tables() []string {
	var names []string
	for _, l := range layouts() {
		names = append(names, l.name)
	}
	return names
}

// ReadTable reads a CSV file with a header. Commas, semicolons and tabs part
// cells, whichever the header uses; a byte order mark is passed over. What is
// wrong with the header is an error; what is wrong with a row is told by
// [Table.Resolve].
func ReadTable(kind, file string, r io.Reader) (*Table, error) {
	layout, err := layoutOf(kind)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(r, maxSourceSize+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	if len(text) > maxSourceSize {
		return nil, fmt.Errorf("read %s: larger than %d MiB: split it", file, maxSourceSize>>20)
	}
	text = bytes.TrimPrefix(text, []byte("\xEF\xBB\xBF"))
	reader := csv.NewReader(bytes.NewReader(text))
	reader.FieldsPerRecord = -1 // told row by row
	reader.Comma = separator(text)

	header, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return nil, &Error{File: file, Message: "is empty; the first line names the columns"}
	}
	if err != nil {
		return nil, &Error{File: file, Line: 1, Message: "the header is no CSV: " + err.Error()}
	}
	for i := range header {
		header[i] = strings.TrimSpace(header[i])
	}
	if faults := layout.checkHeader(file, header); len(faults) > 0 {
		return nil, faults
	}
	t := &Table{layout: layout}
	t.readRows(file, reader, header)
	return t, nil
}

// separator guesses what parts the cells: the sign the first line has most of.
func separator(text []byte) rune {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	best, most := ',', 0
	for _, candidate := range ",;\t" {
		if n := bytes.Count(line, []byte(string(candidate))); n > most {
			best, most = candidate, n
		}
	}
	return best
}

func (t *Table) readRows(file string, reader *csv.Reader, header []string) {
	for {
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		r := row{file: file, cells: make(map[string]string, len(header))}
		if err != nil {
			fault := &Error{File: file, Message: err.Error()}
			if syntax := (*csv.ParseError)(nil); errors.As(err, &syntax) {
				fault.Line, fault.Message = syntax.StartLine, "is no CSV: "+syntax.Err.Error()
			}
			t.faults = append(t.faults, fault)
			continue
		}
		r.line, _ = reader.FieldPos(0)
		if len(cells) != len(header) {
			t.faults = append(t.faults, r.failf(Ref{}, "has %d cells; the header has %d", len(cells), len(header)))
			continue
		}
		if !utf8.ValidString(strings.Join(cells, "")) {
			t.faults = append(t.faults, r.failf(Ref{}, "is not UTF-8: save the file as UTF-8"))
			continue
		}
		for i, cell := range cells {
			if cell = strings.TrimSpace(cell); cell != "" {
				r.cells[header[i]] = cell
			}
		}
		t.rows = append(t.rows, r)
	}
}

// Len returns how many rows there are, readable or not.
func (t *Table) Len() int { return len(t.rows) + len(t.faults) }

// Refs returns the declarations that the rows are about. Resolve wants their
// stored specs.
func (t *Table) Refs() []Ref {
	var refs []Ref
	seen := make(map[Ref]bool)
	for _, r := range t.rows {
		if ref := t.layout.refOf(r); ref.ID != "" && !seen[ref] {
			seen[ref] = true
			refs = append(refs, ref)
		}
	}
	return refs
}

// Resolve lays the rows over what is declared already and returns the
// declarations that result, and the rows that were left out, each with its
// reason. A column that the file does not have, and an empty cell, leave the
// value as it is declared.
func (t *Table) Resolve(current map[Ref]json.RawMessage) (*Set, Errors) {
	o := overlay{
		layout: t.layout, current: current, faults: slices.Clone(t.faults),
		state: make(map[Ref]resolved), first: make(map[string]int),
	}
	for _, r := range t.rows {
		o.lay(r)
	}
	set := &Set{}
	for _, ref := range o.order {
		done := o.state[ref]
		set.add(done.declaration, &document{Source{Name: done.file}, done.node})
	}
	return set, o.faults
}
