package codec

import (
	"errors"
	"strings"

	"telltale/devices"
)

// Shelly decodes what Shelly devices publish. The first generation sends one
// value per topic under shellies/NAME/, and its whole status under info:
//
//	shellies/shellyplug-s-DDEEFF/relay/0/power        12.50
//	shellies/shellyplug-s-DDEEFF/temperature          24.14
//	shellies/shellyplug-s-DDEEFF/info                 {"temperature":24.14,"meters":[{"power":12.5}]}
//	shellies/shellyplug-s-DDEEFF/online               true
//
// Later ones send objects under their topic prefix, by default their name:
//
//	shellyplus1pm-aabbcc/events/rpc       {"method":"NotifyStatus","params":{"ts":1763780000.12,"switch:0":{"apower":12.5}}}
//	shellyplus1pm-aabbcc/status/switch:0  {"id":0,"output":true,"apower":12.5}
//	shellyplus1pm-aabbcc/online           true
//
// The names of topic levels and keys are joined: relay_0_power, meters_0_power,
// switch_0_apower. An event such as a push of a button is input_0_event =
// "single_push". Temperatures are given in Celsius and in Fahrenheit, each with
// its unit. online is presence. Commands, announcements, answers and logs are
// nothing to ingest.
//
// The formats are described at https://shelly-api-docs.shelly.cloud.
type Shelly struct {
	device *selector // nil: by the topic
	docs   documents
}

// NewShelly returns the codec. device is the topic level of the device's name;
// empty is level 1 of topics that begin with "shellies/", and level 0 of all
// others.
func NewShelly(device string) (*Shelly, error) {
	if device == "" {
		return &Shelly{}, nil
	}
	s, err := topicSelector("shelly", device)
	return &Shelly{device: &s}, err
}

// Decode implements [Codec].
func (c *Shelly) Decode(dst []devices.Report, p Payload) ([]devices.Report, error) {
	at := c.selector(p.Topic)
	id, err := at.fromTopic(p.Topic)
	if err != nil {
		return dst, err
	}
	what, ok := topicBehind(p.Topic, at.level+1)
	if !ok || len(p.Body) == 0 || isShellyTalk(what) {
		return dst, nil
	}
	if what == "online" {
		return presence(dst, id, p, "true", "false")
	}
	if what == "events/rpc" {
		return c.notification(dst, id, p)
	}
	dst, r := extend(dst)
	r.Device, r.ObservedAt, r.ReceivedAt = id, p.ReceivedAt, p.ReceivedAt
	return dst, c.value(r, what, p.Body)
}

// Owner returns the device that a topic belongs to.
func (c *Shelly) Owner(topic string) (devices.ID, bool) {
	id, err := c.selector(topic).fromTopic(topic)
	return id, err == nil
}

func (c *Shelly) selector(topic string) selector {
	switch {
	case c.device != nil:
		return *c.device
	case strings.HasPrefix(topic, "shellies/"):
		return selector{level: 1}
	default:
		return selector{level: 0}
	}
}

// isShellyTalk reports whether a topic behind the name says nothing of the
// device's state.
func isShellyTalk(what string) bool {
	first, _, _ := strings.Cut(what, "/")
	switch first {
	case "announce", "command", "rpc", "debug", "settings":
		return true
	}
	return strings.HasSuffix(what, "/command") || strings.HasSuffix(what, "/set") || strings.HasSuffix(what, "/rpc") && what != "events/rpc"
}

// value reads the payload of a topic that tells one value or one component.
func (c *Shelly) value(r *devices.Report, what string, body []byte) error {
	name, component := strings.CutPrefix(what, "status/")
	if what == "info" || what == "status" {
		name = "" // the whole status, whose keys say enough
	}
	metric := string(appendName(nil, name))
	if object := component || name == "" || body[0] == '{' || body[0] == '['; !object {
		err := appendPlain(r, metric, body)
		shellyUnits(r)
		return err
	}
	d := c.docs.open(body)
	defer c.docs.release(d)
	if err := shellyComponent(d, r, metric); err != nil {
		return err
	}
	shellyUnits(r)
	return d.end()
}

// shellyComponent reads a component's status. Its id only says again which one
// it is; unixtime is the time of the first generation's status, and 0 while
// the device does not know it.
func shellyComponent(d *document, r *devices.Report, component string) error {
	if d.dec.PeekKind() != '{' {
		return d.flatten(r, component)
	}
	return d.object("an object", func(key string) error {
		switch {
		case key == "id" && component != "":
			return d.skip()
		case key == "unixtime" && component == "":
			return shellyTime(d, r)
		default:
			return d.flatten(r, component, key)
		}
	})
}

// shellyTime reads seconds with a fraction. A device that does not know the
// time says null or 0; then the time of receipt stays.
func shellyTime(d *document, r *devices.Report) error {
	raw, err := d.value()
	switch {
	case err != nil:
		return err
	case raw.Kind() == 'n' || raw.Kind() == '0' && number(raw) == 0:
		return nil
	case raw.Kind() != '0':
		return d.errAt(raw, errors.New("must be seconds since 1970, not "+describe(raw.Kind())))
	}
	r.ObservedAt = instant(raw, 0)
	return nil
}

// shellyUnits gives temperatures their unit, which the last part of the name
// says.
func shellyUnits(r *devices.Report) {
	for i, reading := range r.Readings {
		unit := ""
		switch {
		case strings.HasSuffix(reading.Metric, "_tC"), reading.Metric == "temperature":
			unit = "Cel"
		case strings.HasSuffix(reading.Metric, "_tF"), reading.Metric == "temperature_f":
			unit = "[degF]"
		default:
			continue
		}
		if r.Units == nil {
			r.Units = make([]string, len(r.Readings))
		}
		r.Units[i] = unit
	}
}
