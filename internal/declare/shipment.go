package declare

import (
	"cmp"
	"slices"
	"time"

	"telltale/devices"
	"telltale/devices/shipments"
)

// Defaults of a shipment.
const (
	defaultLoggerMetric = "temperature"
	defaultLotUnit      = "piece"
)

func readShipment(f *fields) any {
	s := &shipments.Shipment{
		ID:         f.mustID("id"),
		Carrier:    f.text("carrier"),
		Profile:    f.mustID("profile"),
		DepartedAt: f.mustTime("departed"),
		ArrivedAt:  f.time("arrived"),
	}
	if !s.ArrivedAt.IsZero() && s.ArrivedAt.Before(s.DepartedAt) {
		f.values["arrived"].failf("is before the departure (%s)", s.DepartedAt.Format(time.RFC3339))
	}
	s.Loggers = readLoggers(f.list("loggers"), s.DepartedAt)
	s.Legs = readLegs(f.list("legs"))
	s.Lots = readLots(f.list("lots"))
	s.Consignees = readConsignees(f.list("consignees"), s.Lots)
	return s
}

// readLoggers reads who watched when; a logger starts at the departure where
// it does not say otherwise.
func readLoggers(items []value, departed time.Time) []shipments.Logger {
	var loggers []shipments.Logger
	for _, item := range items {
		f := item.fields()
		l := shipments.Logger{
			Device: f.mustDeviceID("device"),
			Metric: cmp.Or(f.text("metric"), defaultLoggerMetric),
			From:   departed,
			Until:  f.time("until"),
		}
		if from := f.time("from"); !from.IsZero() {
			l.From = from
		}
		f.done()
		checkSpan(item, l.From, l.Until)
		for _, other := range loggers {
			if other.Device == l.Device && overlap(other.From, other.Until, l.From, l.Until) {
				item.failf("%s watches the shipment twice at one time", l.Device)
			}
		}
		loggers = append(loggers, l)
	}
	slices.SortStableFunc(loggers, func(a, b shipments.Logger) int {
		return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Device, b.Device))
	})
	return loggers
}

// overlap reports whether two spans share a moment. A zero end is open.
func overlap(fromA, untilA, fromB, untilB time.Time) bool {
	return (untilA.IsZero() || fromB.Before(untilA)) && (untilB.IsZero() || fromA.Before(untilB))
}

func readLegs(items []value) []shipments.Leg {
	var legs []shipments.Leg
	for _, item := range items {
		f := item.fields()
		l := shipments.Leg{Name: f.mustText("name"), From: f.mustTime("from"), Until: f.time("until")}
		f.done()
		checkSpan(item, l.From, l.Until)
		legs = append(legs, l)
	}
	slices.SortStableFunc(legs, func(a, b shipments.Leg) int { return a.From.Compare(b.From) })
	return legs
}

// readLots reads the lots. Consignees name a lot by its number alone, so a
// number stands for one lot of the shipment.
func readLots(items []value) []shipments.Lot {
	var lots []shipments.Lot
	seen := make(map[string]int)
	for _, item := range items {
		f := item.fields()
		l := shipments.Lot{Lot: f.mustText("lot"), Unit: cmp.Or(f.text("unit"), defaultLotUnit)}
		if v, ok := f.must("gtin"); ok {
			l.GTIN = v.gtin()
		}
		if v, ok := f.must("quantity"); ok {
			l.Quantity = v.count()
		}
		f.done()
		if line, twice := seen[l.Lot]; twice && l.Lot != "" {
			item.failf("lot %s is there twice, first in line %d; a number names one lot of a shipment", l.Lot, line)
		}
		seen[l.Lot] = item.node.Line
		lots = append(lots, l)
	}
	return lots
}

func (v value) gtin() string {
	text, ok := v.text()
	if !ok {
		return ""
	}
	gtin, err := parseGTIN(text)
	if err != nil {
		v.failf("%v", err)
	}
	return gtin
}

// readConsignees reads who receives what, and refuses to hand out more of a
// lot than there is.
func readConsignees(items []value, lots []shipments.Lot) []shipments.Consignee {
	left := make(map[string]int64, len(lots))
	total := make(map[string]int64, len(lots))
	for _, l := range lots {
		left[l.Lot], total[l.Lot] = l.Quantity, l.Quantity
	}
	var consignees []shipments.Consignee
	seen := make(map[shipments.Consignee]bool)
	for _, item := range items {
		f := item.fields()
		c := shipments.Consignee{Customer: f.mustID("customer"), Lot: f.mustText("lot")}
		if v, ok := f.must("quantity"); ok {
			c.Quantity = v.count()
		}
		f.done()
		key := shipments.Consignee{Customer: c.Customer, Lot: c.Lot}
		_, known := left[c.Lot]
		left[c.Lot] -= c.Quantity
		switch {
		case c.Lot == "":
		case !known:
			item.failf("lot %s is not among the lots of the shipment", c.Lot)
		case seen[key]:
			item.failf("%s receives lot %s twice: add the quantities", c.Customer, c.Lot)
		case left[c.Lot] < 0 && total[c.Lot] > 0:
			item.failf("the consignees receive %d of lot %s, which holds %d",
				total[c.Lot]-left[c.Lot], c.Lot, total[c.Lot])
		}
		seen[key] = true
		consignees = append(consignees, c)
	}
	return consignees
}

type shipmentSpec struct {
	ID         string          `json:"id"`
	Carrier    string          `json:"carrier,omitempty"`
	Profile    string          `json:"profile"`
	Loggers    []loggerSpec    `json:"loggers,omitempty"`
	Legs       []legSpec       `json:"legs,omitempty"`
	Departed   time.Time       `json:"departed"`
	Arrived    time.Time       `json:"arrived,omitzero"`
	Lots       []lotSpec       `json:"lots,omitempty"`
	Consignees []consigneeSpec `json:"consignees,omitempty"`
}

type loggerSpec struct {
	Device devices.ID `json:"device"`
	Metric string     `json:"metric"`
	From   time.Time  `json:"from"`
	Until  time.Time  `json:"until,omitzero"`
}

type legSpec struct {
	Name  string    `json:"name"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until,omitzero"`
}

type lotSpec struct {
	GTIN     string `json:"gtin"`
	Lot      string `json:"lot"`
	Quantity int64  `json:"quantity"`
	Unit     string `json:"unit"`
}

type consigneeSpec struct {
	Customer string `json:"customer"`
	Lot      string `json:"lot"`
	Quantity int64  `json:"quantity"`
}

func encodeShipment(s *shipments.Shipment) shipmentSpec {
	spec := shipmentSpec{
		ID: s.ID, Carrier: s.Carrier, Profile: s.Profile, Departed: s.DepartedAt, Arrived: s.ArrivedAt,
	}
	for _, l := range s.Loggers {
		spec.Loggers = append(spec.Loggers, loggerSpec(l))
	}
	for _, l := range s.Legs {
		spec.Legs = append(spec.Legs, legSpec(l))
	}
	for _, l := range s.Lots {
		spec.Lots = append(spec.Lots, lotSpec(l))
	}
	for _, c := range s.Consignees {
		spec.Consignees = append(spec.Consignees, consigneeSpec(c))
	}
	return spec
}
