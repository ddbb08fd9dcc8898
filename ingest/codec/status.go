package codec

import "telltale/devices"

// Status decodes the topic on which a device, or the broker as its last will,
// says "online" or "offline". An empty payload only clears what the broker
// retains and is no report.
type Status struct{ byTopic }

// NewStatus returns the status codec. device is as for [NewNative].
func NewStatus(device string) (*Status, error) {
	n, err := NewNative(device)
	if err != nil {
		return nil, err
	}
	return &Status{n.byTopic}, nil
}

// Decode implements [Codec].
func (c *Status) Decode(dst []devices.Report, p Payload) ([]devices.Report, error) {
	id, err := c.device.fromTopic(p.Topic)
	if err != nil {
		return dst, err
	}
	return presence(dst, id, p, "online", "offline")
}

// StatusFilters returns those of the Filters on which devices, or their last
// wills, say whether they are connected. A broker retains these.
func (r *Router) StatusFilters() []string {
	var filters []string
	for i := range r.routes {
		if _, ok := r.routes[i].codec.(*Status); ok {
			filters = append(filters, r.routes[i].filter)
		}
	}
	return filters
}
