package declare_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/internal/declare"
)

func parseText(t *testing.T, text string) *declare.Set {
	t.Helper()
	set, err := declare.ParseSources(declare.Source{Name: "a.yaml", Text: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

const dangling = `
{kind: Model, id: FR-200, metrics: {power: {unit: W}}, faults: {E1: {title: a, article: KB-1}}}
---
kind: Device
id: fridge-1
model: FR-20
owners:
  - {customer: C-1, from: 2026-01-01T00:00:00Z}
  - {customer: C-2, from: 2026-02-01T00:00:00Z}
---
kind: Shipment
id: S-1
profile: cold
departed: 2026-01-01T00:00:00Z
loggers:
  - {device: fridge-1}
  - {device: fridge-2}
lots: [{gtin: "96385074", lot: A, quantity: 2}]
consignees:
  - {customer: C-1, lot: A, quantity: 1}
  - {customer: C-3, lot: A, quantity: 1}
---
kind: Rule
id: warm
when: power > 1
ticket: {article: KB-2}
inhibited_by:
  - quiet
`

func TestEveryDanglingReferenceIsReportedWhereItStands(t *testing.T) {
	t.Parallel()
	want := `a.yaml:2:89: Model FR-200: faults: there is no Article KB-1
a.yaml:6:8: Device fridge-1: model: there is no Model FR-20 (did you mean "FR-200"?)
a.yaml:8:16: Device fridge-1: owners: there is no Customer C-1
a.yaml:9:16: Device fridge-1: owners: there is no Customer C-2
a.yaml:13:10: Shipment S-1: profile: there is no StorageProfile cold
a.yaml:17:14: Shipment S-1: loggers: there is no Device fridge-2 (did you mean "fridge-1"?)
a.yaml:20:16: Shipment S-1: consignees: there is no Customer C-1
a.yaml:21:16: Shipment S-1: consignees: there is no Customer C-3
a.yaml:26:19: Rule warm: ticket: there is no Article KB-2
a.yaml:28:5: Rule warm: inhibited_by: there is no Rule quiet`
	err := parseText(t, dangling).Check(declare.Known{})
	if err == nil {
		t.Fatal("accepted")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestWhatIsDeclaredAlreadyIsNoDanglingReference(t *testing.T) {
	t.Parallel()
	set := parseText(t, dangling)
	known := declare.Known{Refs: make(map[declare.Ref]bool), DeviceModels: map[devices.ID]string{"fridge-2": "gone"}}
	for _, ref := range set.Outside() {
		known.Refs[ref] = true
	}
	if err := set.Check(known); err != nil {
		t.Errorf("check: %v", err)
	}
}

func TestAShipmentIsWatchedByThermometers(t *testing.T) {
	t.Parallel()
	set := parseText(t, `
{kind: Model, id: M, metrics: {temperature: {unit: degF}, air: {unit: Cel}}}
---
{kind: Device, id: d, model: M}
---
{kind: StorageProfile, id: P, limits: {min: 2, max: 8}, source: invented}
---
kind: Shipment
id: S
profile: P
departed: 2026-01-01T00:00:00Z
loggers: [{device: d}, {device: d2, metric: air}, {device: d3, metric: humidity}]
`)
	known := declare.Known{
		Refs:         map[declare.Ref]bool{{Kind: declare.KindDevice, ID: "d2"}: true, {Kind: declare.KindDevice, ID: "d3"}: true},
		DeviceModels: map[devices.ID]string{"d2": "M", "d3": "M"},
	}
	want := `a.yaml:12:10: Shipment S: loggers: temperature of d (model M) is no temperature: it is measured in degF, not in Cel
a.yaml:12:10: Shipment S: loggers: humidity of d3 (model M) is no temperature: its model measures no such thing`
	err := set.Check(known)
	if err == nil {
		t.Fatal("accepted")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestASubjectTemplateIsChecked(t *testing.T) {
	t.Parallel()
	set := parseText(t, `
kind: Rule
id: warm
when: temperature > 8
ticket:
  priority: high
  subject: "{{device.name}} is warm"
`)
	known := declare.Known{Models: []*devices.Model{{
		ID: "M", Metrics: map[string]devices.Metric{"temperature": {Name: "temperature", Unit: "Cel"}},
	}}}
	err := set.Check(known)
	faults, ok := err.(declare.Errors)
	if !ok || len(faults) != 1 || faults[0].Line != 7 || faults[0].Ref.ID != "warm" {
		t.Errorf("check: %v, want one fault in line 7", err)
	}
}
