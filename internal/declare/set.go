package declare

import (
	"fmt"

	"telltale/devices"
	"telltale/devices/shipments"
	"telltale/rules"
	"telltale/tickets"
	"telltale/tickets/crm"
)

// Set is a number of declarations that are applied together. The zero value
// is empty. A set is not safe for concurrent change.
type Set struct {
	Articles  []*tickets.Article
	Models    []*devices.Model
	Customers []*crm.Customer
	Devices   []*devices.Device
	Profiles  []*shipments.StorageProfile
	Shipments []*shipments.Shipment
	Rules     []*rules.Rule

	Maintenance []*rules.Maintenance

	origins  map[Ref]*document
	expected map[string]int // see Expect
}

// Declaration is a domain value that people declare.
type Declaration interface {
	*tickets.Article | *devices.Model | *crm.Customer | *devices.Device |
		*shipments.StorageProfile | *shipments.Shipment | *rules.Rule | *rules.Maintenance
}

// readerOf returns what turns a document's keys into a domain value.
func readerOf(kind Kind) func(*fields) any {
	switch kind {
	case KindArticle:
		return readArticle
	case KindModel:
		return readModel
	case KindCustomer:
		return readCustomer
	case KindDevice:
		return readDevice
	case KindProfile:
		return readProfile
	case KindShipment:
		return readShipment
	case KindMaintenance:
		return readMaintenance
	default:
		return readRule
	}
}

// refOf names a declaration.
func refOf(declaration any) Ref {
	switch d := declaration.(type) {
	case *tickets.Article:
		return Ref{KindArticle, d.ID}
	case *devices.Model:
		return Ref{KindModel, d.ID}
	case *crm.Customer:
		return Ref{KindCustomer, d.ID}
	case *devices.Device:
		return Ref{KindDevice, string(d.ID)}
	case *shipments.StorageProfile:
		return Ref{KindProfile, d.ID}
	case *shipments.Shipment:
		return Ref{KindShipment, d.ID}
	case *rules.Rule:
		return Ref{KindRule, d.ID}
	case *rules.Maintenance:
		return Ref{KindMaintenance, d.ID}
	default:
		panic(fmt.Sprintf("declare: %T is no declaration", declaration))
	}
}

// all returns every declaration, each kind after those it refers to.
func (s *Set) all() []any {
	all := make([]any, 0, s.Len())
	all = appendAll(all, s.Articles)
	all = appendAll(all, s.Models)
	all = appendAll(all, s.Customers)
	all = appendAll(all, s.Devices)
	all = appendAll(all, s.Profiles)
	all = appendAll(all, s.Shipments)
	all = appendAll(all, s.Rules)
	return appendAll(all, s.Maintenance)
}

func appendAll[T any](all []any, some []T) []any {
	for _, one := range some {
		all = append(all, one)
	}
	return all
}

// Len returns how many declarations there are.
func (s *Set) Len() int {
	return len(s.Articles) + len(s.Models) + len(s.Customers) + len(s.Devices) +
		len(s.Profiles) + len(s.Shipments) + len(s.Rules) + len(s.Maintenance)
}

// Refs returns the names of all declarations, each kind after those it
// refers to.
func (s *Set) Refs() []Ref {
	refs := make([]Ref, 0, s.Len())
	for _, d := range s.all() {
		refs = append(refs, refOf(d))
	}
	return refs
}

// add appends a declaration that was read from doc.
func (s *Set) add(declaration any, doc *document) {
	switch d := declaration.(type) {
	case *tickets.Article:
		s.Articles = append(s.Articles, d)
	case *devices.Model:
		s.Models = append(s.Models, d)
	case *crm.Customer:
		s.Customers = append(s.Customers, d)
	case *devices.Device:
		s.Devices = append(s.Devices, d)
	case *shipments.StorageProfile:
		s.Profiles = append(s.Profiles, d)
	case *shipments.Shipment:
		s.Shipments = append(s.Shipments, d)
	case *rules.Rule:
		s.Rules = append(s.Rules, d)
	case *rules.Maintenance:
		s.Maintenance = append(s.Maintenance, d)
	}
	if s.origins == nil {
		s.origins = make(map[Ref]*document)
	}
	s.origins[refOf(declaration)] = doc
}

// Without returns a set that leaves out the named declarations.
func (s *Set) Without(refs map[Ref]bool) *Set {
	kept := &Set{}
	for _, d := range s.all() {
		if ref := refOf(d); !refs[ref] {
			kept.add(d, s.origins[ref])
		}
	}
	return kept
}
