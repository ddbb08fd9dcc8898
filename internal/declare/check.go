package declare

import (
	"telltale/devices"
	"telltale/devices/shipments"
	"telltale/rules"
	"telltale/tickets"
)

// Known is what is declared already, as far as a set needs it.
type Known struct {
	Refs         map[Ref]bool          // those of [Set.Outside] that are declared
	DeviceModels map[devices.ID]string // the models of the devices among them
	Models       []*devices.Model      // all
	Rules        []*rules.Rule         // all
	Scripts      ScriptChecker         // nil: payload scripts are taken as they are
}

// reference is one declaration naming another.
type reference struct {
	from  Ref
	field string // top-level key
	to    Ref
}

// references lists what a declaration names.
func references(declaration any) []reference {
	from := refOf(declaration)
	var refs []reference
	name := func(field string, kind Kind, id string) {
		if id != "" {
			refs = append(refs, reference{from, field, Ref{kind, id}})
		}
	}
	switch d := declaration.(type) {
	case *devices.Model:
		for _, code := range d.Faults {
			name("faults", KindArticle, code.Article)
		}
	case *devices.Device:
		name("model", KindModel, d.Model)
		name("gateway", KindDevice, string(d.Gateway))
		for _, o := range d.Owners {
			name("owners", KindCustomer, o.Customer)
		}
	case *shipments.Shipment:
		name("profile", KindProfile, d.Profile)
		for _, l := range d.Loggers {
			name("loggers", KindDevice, string(l.Device))
		}
		for _, c := range d.Consignees {
			name("consignees", KindCustomer, c.Customer)
		}
	case *rules.Rule:
		name("ticket", KindArticle, d.Ticket.Article)
		for _, by := range d.InhibitedBy {
			name("inhibited_by", KindRule, by.Rule)
		}
	case *rules.Maintenance:
		for _, id := range d.Devices {
			name("devices", KindDevice, string(id))
		}
		for _, id := range d.Customers {
			name("customers", KindCustomer, id)
		}
	case *tickets.Article:
	}
	return refs
}

// Outside returns what the set names but does not hold, each once: it must be
// declared already.
func (s *Set) Outside() []Ref {
	inside := make(map[Ref]bool, s.Len())
	for _, ref := range s.Refs() {
		inside[ref] = true
	}
	var outside []Ref
	for _, d := range s.all() {
		for _, r := range references(d) {
			if !inside[r.to] {
				inside[r.to] = true
				outside = append(outside, r.to)
			}
		}
	}
	return outside
}

// Check looks at what no declaration can know by itself: that all it names is
// declared, in the set or before, that loggers measure what they are read
// for, that payload scripts can be run, and that conditions compile. Faults come back as [Errors].
func (s *Set) Check(known Known) error {
	var faults Errors
	modelsFound := s.checkReferences(known, &faults)
	s.checkLoggers(known, &faults)
	s.checkDecoders(known, &faults)
	s.checkTests(&faults)
	if modelsFound { // a missing model would make every condition on it a riddle
		s.checkRules(known, &faults)
	}
	return faults.orNil()
}

// checkReferences reports what is named and not declared, and whether all
// models are.
func (s *Set) checkReferences(known Known, faults *Errors) (modelsFound bool) {
	modelsFound = true
	candidates := make(map[Kind][]string)
	inside := make(map[Ref]bool, s.Len())
	for _, ref := range s.Refs() {
		inside[ref] = true
		candidates[ref.Kind] = append(candidates[ref.Kind], ref.ID)
	}
	for _, d := range s.all() {
		for _, r := range references(d) {
			if !inside[r.to] && !known.Refs[r.to] {
				fault := s.fault(r.from, r.field, "there is no %s%s", r.to, suggestion(r.to.ID, candidates[r.to.Kind]))
				s.narrow(fault, r.to.ID)
				*faults = append(*faults, fault)
				modelsFound = modelsFound && r.to.Kind != KindModel
			}
		}
	}
	return modelsFound
}

// checkLoggers makes sure that a shipment's product temperature is one.
func (s *Set) checkLoggers(known Known, faults *Errors) {
	models := make(map[string]*devices.Model)
	for _, m := range append(append([]*devices.Model(nil), known.Models...), s.Models...) {
		models[m.ID] = m
	}
	modelOf := make(map[devices.ID]string)
	for id, model := range known.DeviceModels {
		modelOf[id] = model
	}
	for _, d := range s.Devices {
		modelOf[d.ID] = d.Model
	}
	for _, shipment := range s.Shipments {
		ref := Ref{KindShipment, shipment.ID}
		for _, l := range shipment.Loggers {
			model := models[modelOf[l.Device]]
			if model == nil {
				continue // reported as a missing reference
			}
			fault := ""
			metric, ok := model.Metrics[l.Metric]
			switch {
			case !ok:
				fault = "its model measures no such thing"
			case metric.Unit != "Cel":
				fault = "it is measured in " + metric.Unit + ", not in Cel"
			}
			if fault != "" {
				*faults = append(*faults, s.fault(ref, "loggers", "%s of %s (model %s) is no temperature: %s",
					l.Metric, l.Device, model.ID, fault))
			}
		}
	}
}
