package codec

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"telltale/devices"
)

// Zigbee2MQTT decodes what the Zigbee2MQTT bridge publishes for its devices:
//
//	zigbee2mqtt/kitchen/fridge               {"temperature":4.2,"battery":97,"last_seen":"2026-03-01T12:00:00.000Z"}
//	zigbee2mqtt/kitchen/fridge/availability  {"state":"online"}, or online as it was before version 2
//
// The device is the friendly name, slashes included; what an id cannot hold,
// such as a blank, becomes "_". Nested objects are joined: color_x. last_seen,
// in each of its forms (ISO_8601, ISO_8601_local, epoch), is the time of
// observation. Availability is presence. What the bridge says of itself
// (bridge/...), commands (NAME/set, NAME/get) and an action on a topic of its
// own, which the message says as well, are nothing to ingest.
//
// The format is described at
// https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html.
type Zigbee2MQTT struct {
	base int // topic levels before the name
	docs documents
}

// NewZigbee2MQTT returns the codec for a source's filter, such as
// "zigbee2mqtt/#". The name begins at the filter's first wildcard, or at the
// level that device, "topic[N]", says.
func NewZigbee2MQTT(filter, device string) (*Zigbee2MQTT, error) {
	if device == "" {
		base, _, _ := strings.Cut(filter, "#")
		base, _, _ = strings.Cut(base, "+")
		return &Zigbee2MQTT{base: strings.Count(base, "/")}, nil
	}
	s, err := topicSelector("zigbee2mqtt", device)
	if err != nil {
		return nil, err
	}
	return &Zigbee2MQTT{base: s.level}, nil
}

// Decode implements [Codec].
func (c *Zigbee2MQTT) Decode(dst []devices.Report, p Payload) ([]devices.Report, error) {
	name, ok := topicBehind(p.Topic, c.base)
	if !ok {
		return dst, &PayloadError{Offset: -1, Err: fmt.Errorf("topic %q has no level %d for the device's name", p.Topic, c.base)}
	}
	if len(p.Body) == 0 || isZigbeeTalk(name, p.Body) {
		return dst, nil
	}
	device, availability := strings.CutSuffix(name, "/availability")
	id, err := checkID(cleanID(device))
	if err != nil {
		return dst, err
	}
	if availability && p.Body[0] != '{' {
		return presence(dst, id, p, "online", "offline")
	}
	d := c.docs.open(p.Body)
	defer c.docs.release(d)
	dst, r := extend(dst)
	r.Device, r.ObservedAt, r.ReceivedAt = id, p.ReceivedAt, p.ReceivedAt
	if availability {
		err = zigbeeAvailability(d, r)
	} else {
		err = zigbeeMessage(d, r)
	}
	if err != nil {
		return dst, err
	}
	return dst, d.end()
}

// isZigbeeTalk reports whether a topic behind the base says nothing of a
// device.
func isZigbeeTalk(name string, body []byte) bool {
	if strings.HasPrefix(name, "bridge/") || strings.HasSuffix(name, "/set") || strings.HasSuffix(name, "/get") {
		return true
	}
	if strings.Contains(name, "/set/") || strings.Contains(name, "/get/") {
		return true
	}
	return strings.HasSuffix(name, "/action") && !bytes.HasPrefix(body, []byte("{"))
}

// cleanID replaces what a device's id cannot hold by "_".
func cleanID(name string) string {
	return strings.Map(func(c rune) rune {
		if c == '/' || devices.ValidID(string(c)) {
			return c
		}
		return '_'
	}, name)
}

func zigbeeMessage(d *document, r *devices.Report) error {
	return d.object("an object of values by metric", func(key string) error {
		switch key {
		case "last_seen":
			return d.lastSeen(r)
		case "device": // who it is, if the bridge is told to include that
			return d.skip()
		default:
			return d.flatten(r, key)
		}
	})
}

// lastSeen reads a time in any of its forms, or null, which the bridge says of
// a device that it has not heard since its own start.
func (d *document) lastSeen(r *devices.Report) error {
	raw, err := d.value()
	if err != nil || raw.Kind() == 'n' {
		return err
	}
	r.ObservedAt, err = d.timestampOf(raw)
	return err
}

func zigbeeAvailability(d *document, r *devices.Report) error {
	err := d.object("an object with a state", func(key string) error {
		if key != "state" {
			return d.skip()
		}
		raw, err := d.value()
		if err != nil {
			return err
		}
		switch string(raw) {
		case `"online"`:
			r.Presence = devices.Online
		case `"offline"`:
			r.Presence = devices.Offline
		default:
			return d.errAt(raw, errors.New("must be online or offline"))
		}
		return nil
	})
	if err == nil && r.Presence == devices.PresenceUnknown {
		err = &PayloadError{Field: "state", Offset: -1, Err: errors.New("is missing")}
	}
	return err
}
