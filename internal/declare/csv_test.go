package declare_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"telltale/internal/declare"
)

// resolve reads a table and lays it over what is declared.
func resolve(t *testing.T, kind, text, declared string) (map[declare.Ref]json.RawMessage, declare.Errors) {
	t.Helper()
	table, err := declare.ReadTable(kind, "t.csv", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	set, rejected := table.Resolve(specsOf(t, parseText(t, declared)))
	return specsOf(t, set), rejected
}

func assertSpecs(t *testing.T, want map[declare.Ref]string, got map[declare.Ref]json.RawMessage) {
	t.Helper()
	texts := make(map[declare.Ref]string, len(got))
	for ref, spec := range got {
		texts[ref] = string(spec)
	}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Errorf("specs (-want +got):\n%s", diff)
	}
}

func assertRejected(t *testing.T, want string, got declare.Errors) {
	t.Helper()
	text := ""
	if len(got) > 0 {
		text = got.Error()
	}
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("rejected rows (-want +got):\n%s", diff)
	}
}

func TestGoodRowsBecomeDevicesAndBadOnesAreReported(t *testing.T) {
	t.Parallel()
	got, rejected := resolve(t, "Device", "\xEF\xBB\xBFid; model ;site;customer;owned_from;tags.floor\r\n"+
		"f-1;FR-200;Warsaw;C-1;2026-01-01T01:00:00+01:00;2\r\n"+
		"f-2;;Warsaw;;;\r\n"+
		"f-3;FR-200;\"Gda\u0144sk; port\";;;\r\n"+
		"f-1;FR-300;;;;\r\n"+
		";FR-300;;;;\r\n"+
		"f-4;FR-200\r\n"+
		"f 5;FR-200;;;;\r\n"+
		"f-6;FR-200;;C-1;2026-01-01;\r\n"+
		"f-7;FR-200;;C-1;;\r\n"+
		"f-8;FR-200;\"open;;;\r\n", "")
	assertSpecs(t, map[declare.Ref]string{
		{Kind: "Device", ID: "f-1"}: `{"id":"f-1","model":"FR-200","site":"Warsaw","owners":` +
			`[{"customer":"C-1","from":"2026-01-01T00:00:00Z"}],"tags":{"floor":"2"}}`,
		{Kind: "Device", ID: "f-3"}: `{"id":"f-3","model":"FR-200","site":"Gdańsk; port"}`,
	}, got)
	assertRejected(t, `t.csv:7: has 2 cells; the header has 6
t.csv:11: is no CSV: extraneous or missing " in quoted-field
t.csv:3: Device f-2: model is missing
t.csv:5: Device f-1: is in line 2 already
t.csv:6: Device: id is empty
t.csv:8: Device f 5: id: "f 5" is not a device's id (1 to 128 letters, digits and . _ : -, with single slashes between)
t.csv:9: Device f-6: owners[0].from: "2026-01-01" is not a time (write 2026-01-10T00:00:00Z)
t.csv:10: Device f-7: owners[0]: from is missing`, rejected)
}

func TestColumnsThatAreNotThereLeaveTheDeviceAsItIs(t *testing.T) {
	t.Parallel()
	const declared = `
{kind: Device, id: f-1, model: FR-200, serial: S, site: Warsaw, tags: {a: x},
 owners: [{customer: C-1, from: 2026-01-01T00:00:00Z}]}`
	got, rejected := resolve(t, "Device", "id,site,tags.b,customer,owned_from\nf-1,,y,C-2,2026-06-01T00:00:00Z\n", declared)
	assertSpecs(t, map[declare.Ref]string{
		{Kind: "Device", ID: "f-1"}: `{"id":"f-1","model":"FR-200","serial":"S","site":"Warsaw","owners":` +
			`[{"customer":"C-1","from":"2026-01-01T00:00:00Z","until":"2026-06-01T00:00:00Z"},` +
			`{"customer":"C-2","from":"2026-06-01T00:00:00Z"}],"tags":{"a":"x","b":"y"}}`,
	}, got)
	assertRejected(t, "", rejected)
}

func TestATableThatWasImportedChangesNothingTheSecondTime(t *testing.T) {
	t.Parallel()
	const text = "id\tmodel\tcustomer\towned_from\nf-1\tFR-200\tC-2\t2026-06-01T00:00:00Z\n"
	const declared = `{kind: Device, id: f-1, model: FR-200, owners: [{customer: C-1, from: 2026-01-01T00:00:00Z}]}`
	table, err := declare.ReadTable("Device", "t.csv", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	once, _ := table.Resolve(specsOf(t, parseText(t, declared)))
	twice, rejected := table.Resolve(specsOf(t, once))
	assertRejected(t, "", rejected)
	if diff := cmp.Diff(specsOf(t, once), specsOf(t, twice)); diff != "" {
		t.Errorf("after the second import (-once +twice):\n%s", diff)
	}
}

func TestContactsAreAddedToTheirCustomers(t *testing.T) {
	t.Parallel()
	got, rejected := resolve(t, "Contact", `customer,id,name,email,roles
C-1,P-1,Ewa Nowak,ewa@a.example,"owner, quality"
C-1,P-2,Jan Kos,,
C-1,P-3,Bad,bad at a.example,
C-9,P-1,Nobody,,
C-1,P-1,Again,,
`, `{kind: Customer, id: C-1, name: A, contacts: [{id: P-1, name: Ewa, phone: "1"}]}`)
	assertSpecs(t, map[declare.Ref]string{
		{Kind: "Customer", ID: "C-1"}: `{"id":"C-1","name":"A","tier":"standard","language":"en","timezone":"UTC","contacts":[` +
			`{"id":"P-1","name":"Ewa Nowak","email":"ewa@a.example","phone":"1","roles":["owner","quality"]},` +
			`{"id":"P-2","name":"Jan Kos"}]}`,
	}, got)
	assertRejected(t, `t.csv:4: Customer C-1: contacts[2].email: "bad at a.example" is not an e-mail address (write ewa@example.com)
t.csv:5: Customer C-9: is not declared
t.csv:6: Customer C-1: is in line 2 already`, rejected)
}

func TestRowsOfAShipmentJoin(t *testing.T) {
	t.Parallel()
	got, rejected := resolve(t, "Shipment", `id,profile,departed,logger,gtin,lot,lot_quantity,customer,quantity
S-1,cold,2026-01-01T00:00:00Z,reefer-1,96385074,A,10,C-1,6
S-1,,,,,A,,C-2,4
S-1,,,,,A,,C-3,1
S-1,,,,96385074,B,abc,C-1,1
S-2,cold,,,,,,,
`, "")
	assertSpecs(t, map[declare.Ref]string{
		{Kind: "Shipment", ID: "S-1"}: `{"id":"S-1","profile":"cold","loggers":` +
			`[{"device":"reefer-1","metric":"temperature","from":"2026-01-01T00:00:00Z"}],"departed":"2026-01-01T00:00:00Z",` +
			`"lots":[{"gtin":"00000096385074","lot":"A","quantity":10,"unit":"piece"}],` +
			`"consignees":[{"customer":"C-1","lot":"A","quantity":6},{"customer":"C-2","lot":"A","quantity":4}]}`,
	}, got)
	assertRejected(t, `t.csv:4: Shipment S-1: consignees[2]: the consignees receive 11 of lot A, which holds 10
t.csv:5: Shipment S-1: lots[1].quantity: must be a whole number from 1 to 9007199254740992, not abc
t.csv:6: Shipment S-2: departed is missing`, rejected)
}

func TestAWrongHeaderRefusesTheTable(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, kind, text, want string }{
		{"an empty file", "Device", "", "t.csv: is empty; the first line names the columns"},
		{
			"an unknown, a doubled and a missing column", "Device", "ids,model,model,tags.\n",
			`t.csv:1: unknown column "ids" (did you mean "id"?); Device tables have id, model, serial, site, customer, owned_from or owned_until
t.csv:1: column "model" is there twice
t.csv:1: unknown column "tags."; Device tables have id, model, serial, site, customer, owned_from or owned_until
t.csv:1: column "id" is missing`,
		},
		{
			"a kind without a table", "Rule", "id\n",
			`no table of kind "Rule"; there are Device, Customer, Contact or Shipment`,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := declare.ReadTable(c.kind, "t.csv", strings.NewReader(c.text))
			if err == nil {
				t.Fatal("accepted")
			}
			if diff := cmp.Diff(c.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzReadTable: whatever is in a table, what it resolves to can be stored
// and read back, and importing it again changes nothing.
func FuzzReadTable(f *testing.F) {
	f.Add(0, "id;model;customer;owned_from\nf-1;FR-200;C-1;2026-01-01T00:00:00Z\n")
	f.Add(1, "id,name,crm.system,crm.id\nC-1,A,x,1\n")
	f.Add(2, "customer,id,name,roles\nC-1,P-1,E,a b\n")
	f.Add(3, "id,profile,departed,logger,gtin,lot,lot_quantity,customer,quantity\n"+
		"S-1,cold,2026-01-01T00:00:00Z,reefer-1,96385074,A,10,C-1,6\n")
	f.Fuzz(func(t *testing.T, kind int, text string) {
		kinds := declare.Tables()
		table, err := declare.ReadTable(kinds[uint(kind)%uint(len(kinds))], "t.csv", strings.NewReader(text))
		if err != nil {
			return
		}
		set, rejected := table.Resolve(nil)
		if set.Len() == 0 && len(rejected) == 0 && table.Len() > 0 {
			t.Fatal("rows vanished")
		}
		specs := specsOf(t, set)
		for ref, spec := range specs {
			if got := reencode(t, ref.Kind, spec); string(got) != string(spec) {
				t.Errorf("%s\n in: %s\nout: %s", ref, spec, got)
			}
		}
	})
}
