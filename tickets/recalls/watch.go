package recalls

import (
	"cmp"
	"slices"
	"time"

	"telltale/devices"
	"telltale/devices/shipments"
)

// Watch knows which device measures which shipment when. It is immutable and
// safe for concurrent use; a change of the declarations makes a new one.
type Watch struct {
	byDevice map[devices.ID][]assignment
}

// assignment is one logger's time with one shipment.
type assignment struct {
	key     watched
	logger  shipments.Logger
	profile *shipments.StorageProfile
}

// watched names a logger of a shipment.
type watched struct {
	shipment string
	device   devices.ID
}

// NewWatch returns the watch over the shipments. A shipment whose profile is
// not among the profiles is not watched: nobody could judge it.
func NewWatch(all []shipments.Shipment, profiles []shipments.StorageProfile) *Watch {
	byID := make(map[string]*shipments.StorageProfile, len(profiles))
	for i := range profiles {
		byID[profiles[i].ID] = &profiles[i]
	}
	w := &Watch{byDevice: make(map[devices.ID][]assignment)}
	for i := range all {
		w.add(&all[i], byID[all[i].Profile])
	}
	for _, list := range w.byDevice {
		slices.SortFunc(list, func(a, b assignment) int {
			return cmp.Or(cmp.Compare(a.key.shipment, b.key.shipment), a.logger.From.Compare(b.logger.From))
		})
	}
	return w
}

const defaultMetric = "temperature"

func (w *Watch) add(s *shipments.Shipment, p *shipments.StorageProfile) {
	if p == nil {
		return
	}
	for _, l := range s.Loggers {
		l.Metric = cmp.Or(l.Metric, defaultMetric)
		if l.From.IsZero() {
			l.From = s.DepartedAt
		}
		if !s.ArrivedAt.IsZero() && (l.Until.IsZero() || l.Until.After(s.ArrivedAt)) {
			l.Until = s.ArrivedAt
		}
		w.byDevice[l.Device] = append(w.byDevice[l.Device], assignment{
			key: watched{shipment: s.ID, device: l.Device}, logger: l, profile: p,
		})
	}
}

// TracePoint is one temperature that a shipment was exposed to.
type TracePoint struct {
	Shipment   string
	Device     devices.ID
	ObservedAt time.Time
	ReceivedAt time.Time
	Celsius    float64
}
