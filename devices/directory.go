package devices

import (
	"cmp"
	"iter"
	"maps"
	"slices"
)

// Directory is an immutable view of all declared models and devices, taken at
// one version of the declarations. Readers share it; a change makes a new one.
type Directory struct {
	version int64
	models  map[string]*Model
	devices map[ID]*Device
}

// NewDirectory returns the view of the given declarations. It keeps the
// pointers; callers must not change what they point to afterwards. Of two
// entries with one id the later wins.
func NewDirectory(version int64, models []*Model, devices []*Device) *Directory {
	d := &Directory{
		version: version,
		models:  make(map[string]*Model, len(models)),
		devices: make(map[ID]*Device, len(devices)),
	}
	for _, m := range models {
		d.models[m.ID] = m
	}
	for _, dev := range devices {
		d.devices[dev.ID] = dev
	}
	return d
}

// Version is the version of the declarations the directory was made from.
func (d *Directory) Version() int64 { return d.version }

// Device returns the device with the id.
func (d *Directory) Device(id ID) (*Device, bool) {
	dev, ok := d.devices[id]
	return dev, ok
}

// Model returns the model with the id.
func (d *Directory) Model(id string) (*Model, bool) {
	m, ok := d.models[id]
	return m, ok
}

// ModelOf returns the model of a device; false when the device or its model
// is not declared.
func (d *Directory) ModelOf(id ID) (*Model, bool) {
	dev, ok := d.devices[id]
	if !ok {
		return nil, false
	}
	return d.Model(dev.Model)
}

// Devices yields every device, in no particular order.
func (d *Directory) Devices() iter.Seq[*Device] { return maps.Values(d.devices) }

// Models returns the models ordered by id.
func (d *Directory) Models() []*Model {
	ms := slices.Collect(maps.Values(d.models))
	slices.SortFunc(ms, func(a, b *Model) int { return cmp.Compare(a.ID, b.ID) })
	return ms
}

// Len returns how many devices are declared.
func (d *Directory) Len() int { return len(d.devices) }
