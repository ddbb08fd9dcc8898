package codec

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"telltale/devices"
)

// ChirpStack decodes the events that ChirpStack 4 publishes for each device,
// and the uplinks of ChirpStack 3. Which event it is stands in the topic's last
// level:
//
//	up           the values of "object" as readings, else those that the
//	             model's payload script makes of "data"; rssi and snr of the
//	             gateway that heard the frame best
//	status       margin, batteryLevel, externalPowerSource
//	join         the device is online
//	location     location_latitude, location_longitude, ...
//	integration  the values of "object"
//	log          log_level and log_code, such as ERROR and UPLINK_CODEC
//	ack, txack   about downlinks: nothing to store
//
// The device is deviceInfo.devEui in lower case, or where the source says; the
// time is "time", else the first gateway's, else that of receipt.
type ChirpStack struct {
	lorawan
	own bool // the id is ChirpStack's own devEui
}

// chirpStackEvents are the last levels of topics.
var chirpStackEvents = []string{"up", "status", "join", "ack", "txack", "log", "location", "integration"}

// NewChirpStack returns the codec. device is as in [Source.Device]; empty is
// the devEui. scripts may be nil.
func NewChirpStack(device string, scripts Scripts) (*ChirpStack, error) {
	s, err := parseSelector(cmp.Or(device, "deviceInfo.devEui"))
	if err != nil {
		return nil, err
	}
	return &ChirpStack{lorawan: lorawan{device: s, scripts: scripts}, own: device == ""}, nil
}

// Decode implements [Codec].
func (c *ChirpStack) Decode(dst []devices.Report, p Payload) ([]devices.Report, error) {
	event := p.Topic[strings.LastIndexByte(p.Topic, '/')+1:]
	switch event {
	case "up", "status", "join", "location", "integration", "log":
	case "ack", "txack":
		return dst, nil
	default:
		return dst, &PayloadError{Offset: -1, Err: fmt.Errorf("topic %q must end in an event of ChirpStack: %s", p.Topic, strings.Join(chirpStackEvents, ", "))}
	}
	d := c.docs.open(p.Body)
	defer c.docs.release(d)
	dst, r := extend(dst)
	r.ReceivedAt = p.ReceivedAt
	u := &uplink{}
	if err := d.object("an object", func(key string) error { return chirpStackKey(d, u, r, event, key) }); err != nil {
		return dst, err
	}
	if err := d.end(); err != nil {
		return dst, err
	}
	var err error
	if r.Device, err = c.id(p); err != nil {
		return dst, err
	}
	if event == "join" {
		r.Presence = devices.Online
	}
	if u.noBattery {
		r.Readings = slices.DeleteFunc(r.Readings, func(o devices.Reading) bool { return o.Metric == "batteryLevel" })
	}
	return dst, sentBy(r.Device, c.complete(u, r))
}

// chirpStackKey reads the value of one top-level key.
func chirpStackKey(d *document, u *uplink, r *devices.Report, event, key string) (err error) {
	switch key {
	case "time":
		u.at, err = d.moment()
		return err
	case "rxInfo":
		if event == "up" {
			return u.gateways(d, []string{"snr", "loRaSNR"}, []string{"time", "gwTime", "nsTime"})
		}
	}
	switch event + " " + key {
	case "up object", "integration object":
		u.decoded, err = d.part()
	case "up objectJSON":
		u.decoded, err = d.quotedPart()
	case "up data":
		u.frame, err = d.base64()
	case "up fPort":
		u.port, err = d.fport()
	case "status batteryLevelUnavailable":
		u.noBattery, err = d.yes()
	case "status margin", "status batteryLevel", "status externalPowerSource":
		err = d.flatten(r, key)
	case "location location":
		err = d.flatten(r, key)
	case "log level", "log code":
		err = d.flatten(r, "log", key)
	default:
		err = d.skip()
	}
	return err
}

// quotedPart is part for JSON within a text, as ChirpStack 3 has it. Its bytes
// are not those of the payload, so complaints name no byte.
func (d *document) quotedPart() (*part, error) {
	raw, err := d.value()
	if err != nil || raw.Kind() == 'n' {
		return nil, err
	}
	if raw.Kind() != '"' {
		return nil, d.errAt(raw, fmt.Errorf("must be JSON in a text, not %s", describe(raw.Kind())))
	}
	text := strings.Clone(string(d.text(raw)))
	if text == "" {
		return nil, nil
	}
	return &part{field: field(d.dec.StackPointer()), raw: []byte(text), at: -1}, nil
}

// id returns the device's id.
func (c *ChirpStack) id(p Payload) (devices.ID, error) {
	if c.device.inTopic() {
		return c.device.fromTopic(p.Topic)
	}
	id, err := c.idAt(p.Body, c.device.path)
	if err == nil && id == "" && c.own {
		id, err = c.chirpStack3ID(p.Body)
	}
	switch {
	case err != nil:
		return "", err
	case id == "":
		return "", &PayloadError{Field: c.device.path, Offset: -1, Err: errNoDevice}
	case c.own:
		id = devices.ID(strings.ToLower(string(id)))
	}
	return id, nil
}

// chirpStack3ID returns the devEUI of ChirpStack 3, which is hexadecimal or,
// by its default marshaler, base64.
func (c *ChirpStack) chirpStack3ID(body []byte) (devices.ID, error) {
	d := c.docs.open(body)
	defer c.docs.release(d)
	found, err := d.seek([]string{"devEUI"})
	if !found || err != nil {
		return "", err
	}
	raw, err := d.value()
	if err != nil {
		return "", err
	}
	var text string
	if raw.Kind() == '"' {
		text = string(d.text(raw))
	}
	if eui, err := hex.DecodeString(text); err == nil && len(eui) == 8 {
		return devices.ID(text), nil
	}
	if eui, err := base64.StdEncoding.DecodeString(text); err == nil && len(eui) == 8 {
		return devices.ID(hex.EncodeToString(eui)), nil
	}
	return "", d.errAt(raw, errors.New("must be 8 bytes, in hexadecimal or base64"))
}
