package declare

import (
	"slices"
	"time"

	"telltale/devices"
)

func readDevice(f *fields) any {
	return &devices.Device{
		ID:      f.mustDeviceID("id"),
		Model:   f.mustID("model"),
		Serial:  f.text("serial"),
		Site:    f.text("site"),
		Gateway: f.gateway(),
		Owners:  readOwners(f.list("owners")),
		Tags:    f.textMap("tags"),
	}
}

// gateway reads the device that another is behind.
func (f *fields) gateway() devices.ID {
	v, ok := f.has("gateway")
	if !ok {
		return ""
	}
	id := v.deviceID()
	if self, ok := f.values["id"]; ok && id != "" && self.node.Value == string(id) {
		v.failf("a device is not behind itself")
	}
	return id
}

// readOwners reads the owners and refuses two at one time. A range without an
// end lasts until the next begins.
func readOwners(items []value) []devices.Ownership {
	type owner struct {
		devices.Ownership
		item value
	}
	var owners []owner
	for _, item := range items {
		f := item.fields()
		owners = append(owners, owner{devices.Ownership{
			Customer: f.mustID("customer"),
			From:     f.mustTime("from"),
			Until:    f.time("until"),
		}, item})
		f.done()
	}
	slices.SortStableFunc(owners, func(a, b owner) int { return a.From.Compare(b.From) })

	var sorted []devices.Ownership
	for i, o := range owners {
		checkSpan(o.item, o.From, o.Until)
		if i > 0 {
			before := owners[i-1]
			if !o.From.IsZero() && (o.From.Equal(before.From) || o.From.Before(before.Until)) {
				o.item.failf("overlaps the time of %s, who owns the device from %s",
					before.Customer, before.From.Format(time.RFC3339))
			}
		}
		sorted = append(sorted, o.Ownership)
	}
	devices.SortOwners(sorted)
	return sorted
}

// checkSpan refuses a range that ends before it begins.
func checkSpan(at value, from, until time.Time) {
	if !until.IsZero() && !until.After(from) {
		at.failf("until must be after from (%s)", from.Format(time.RFC3339))
	}
}

type deviceSpec struct {
	ID      string            `json:"id"`
	Model   string            `json:"model"`
	Serial  string            `json:"serial,omitempty"`
	Site    string            `json:"site,omitempty"`
	Gateway string            `json:"gateway,omitempty"`
	Owners  []ownerSpec       `json:"owners,omitempty"`
	Tags    map[string]string `json:"tags,omitempty"`
}

type ownerSpec struct {
	Customer string    `json:"customer"`
	From     time.Time `json:"from"`
	Until    time.Time `json:"until,omitzero"`
}

func encodeDevice(d *devices.Device) deviceSpec {
	spec := deviceSpec{ID: string(d.ID), Model: d.Model, Serial: d.Serial, Site: d.Site, Gateway: string(d.Gateway), Tags: d.Tags}
	for _, o := range d.Owners {
		spec.Owners = append(spec.Owners, ownerSpec(o))
	}
	return spec
}
