package declare

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// layout says what the columns of one kind of table mean.
type layout struct {
	name    string
	kind    Kind     // what the rows declare, or add to
	id      string   // the column that holds its id
	key     []string // the columns no two rows may share
	columns []string
	prefix  string // columns with free names begin so; "": none
	adds    bool   // rows add to a declaration that must be there

	lay func(node *yaml.Node, cells map[string]string)
}

func layouts() []layout {
	return []layout{
		{
			name: "Device", kind: KindDevice, id: "id", key: []string{"id"},
			columns: []string{"id", "model", "serial", "site", "customer", "owned_from", "owned_until"},
			prefix:  "tags.",
			lay:     layDevice,
		},
		{
			name: "Customer", kind: KindCustomer, id: "id", key: []string{"id"},
			columns: []string{"id", "name", "tier", "language", "timezone", "crm.system", "crm.id"},
			lay:     layCustomer,
		},
		{
			name: "Contact", kind: KindCustomer, id: "customer", key: []string{"customer", "id"},
			columns: []string{"customer", "id", "name", "email", "phone", "roles", "consent"},
			adds:    true,
			lay:     layContact,
		},
		{
			name: "Shipment", kind: KindShipment, id: "id", key: []string{"id", "lot", "customer", "logger"},
			columns: []string{
				"id", "carrier", "profile", "departed", "arrived", "logger",
				"gtin", "lot", "lot_quantity", "unit", "customer", "quantity",
			},
			lay: layShipment,
		},
	}
}

func layoutOf(name string) (layout, error) {
	for _, l := range layouts() {
		if l.name == name {
			return l, nil
		}
	}
	return layout{}, fmt.Errorf("no table of kind %q%s; there are %s", name, suggestion(name, Tables()), join(Tables()))
}

func (l layout) refOf(r row) Ref { return Ref{l.kind, r.cells[l.id]} }

// keyOf names a row among the rows of the table.
func (l layout) keyOf(r row) string {
	var key strings.Builder
	for _, column := range l.key {
		fmt.Fprintf(&key, "%q", r.cells[column])
	}
	return key.String()
}

// checkHeader finds unknown, missing and doubled columns.
func (l layout) checkHeader(file string, header []string) Errors {
	var faults Errors
	fail := func(format string, args ...any) {
		faults = append(faults, &Error{File: file, Line: 1, Message: fmt.Sprintf(format, args...)})
	}
	for i, name := range header {
		free := l.prefix != "" && strings.HasPrefix(name, l.prefix) && name != l.prefix
		switch {
		case slices.Contains(header[:i], name):
			fail("column %q is there twice", name)
		case !free && !slices.Contains(l.columns, name):
			fail("unknown column %q%s; %s tables have %s", name, suggestion(name, l.columns), l.name, join(l.columns))
		}
	}
	for _, name := range l.key[:1] {
		if !slices.Contains(header, name) {
			fail("column %q is missing", name)
		}
	}
	return faults
}

// putTexts copies cells to keys of the same name.
func putTexts(node *yaml.Node, cells map[string]string, names ...string) {
	for _, name := range names {
		if cell, ok := cells[name]; ok {
			put(node, name, scalar("!!str", cell))
		}
	}
}

func layDevice(node *yaml.Node, cells map[string]string) {
	putTexts(node, cells, "model", "serial", "site")
	for name, cell := range cells {
		if tag, ok := strings.CutPrefix(name, "tags."); ok {
			put(inner(node, "tags", yaml.MappingNode), tag, scalar("!!str", cell))
		}
	}
	if cells["customer"]+cells["owned_from"]+cells["owned_until"] == "" {
		return
	}
	// The owner of the row joins those before: who owned the device until
	// then stays on record. A row that starts an ownership anew replaces it.
	owner := item(inner(node, "owners", yaml.SequenceNode), [2]string{"from", canonicalTime(cells["owned_from"])})
	if cells["owned_from"] == "" {
		owner.Content = nil // so that the reader asks for it
	}
	putTexts(owner, cells, "customer")
	if until, ok := cells["owned_until"]; ok {
		put(owner, "until", scalar("!!str", until))
	}
}

// canonicalTime writes a time as specs have it, so that equal times are equal
// texts. What is no time stays for the reader to refuse.
func canonicalTime(text string) string {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return t.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
}

func layCustomer(node *yaml.Node, cells map[string]string) {
	putTexts(node, cells, "name", "tier", "language", "timezone")
	for name, cell := range cells {
		if key, ok := strings.CutPrefix(name, "crm."); ok {
			put(inner(node, "crm", yaml.MappingNode), key, scalar("!!str", cell))
		}
	}
}

func layContact(node *yaml.Node, cells map[string]string) {
	contact := item(inner(node, "contacts", yaml.SequenceNode), [2]string{"id", cells["id"]})
	putTexts(contact, cells, "name", "email", "phone")
	for _, name := range []string{"roles", "consent"} {
		cell, ok := cells[name]
		if !ok {
			continue
		}
		list := &yaml.Node{Kind: yaml.SequenceNode}
		for _, word := range strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(" ,;|", r) }) {
			list.Content = append(list.Content, scalar("!!str", word))
		}
		put(contact, name, list)
	}
}

func layShipment(node *yaml.Node, cells map[string]string) {
	putTexts(node, cells, "carrier", "profile", "departed", "arrived")
	if device, ok := cells["logger"]; ok {
		item(inner(node, "loggers", yaml.SequenceNode), [2]string{"device", device})
	}
	if cells["lot"] != "" || cells["gtin"] != "" {
		lot := item(inner(node, "lots", yaml.SequenceNode), [2]string{"lot", cells["lot"]})
		putTexts(lot, cells, "gtin", "unit")
		putCount(lot, "quantity", cells["lot_quantity"])
	}
	if customer, ok := cells["customer"]; ok {
		consignees := inner(node, "consignees", yaml.SequenceNode)
		consignee := item(consignees, [2]string{"customer", customer}, [2]string{"lot", cells["lot"]})
		putCount(consignee, "quantity", cells["quantity"])
	}
}

func putCount(node *yaml.Node, key, cell string) {
	if cell != "" {
		put(node, key, scalar("!!int", cell))
	}
}
