package codec

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"telltale/devices"
)

// Tasmota decodes what the Tasmota firmware publishes, by default under
// tele/NAME/ and stat/NAME/:
//
//	tele/fridge-7/SENSOR  {"Time":"2026-03-01T12:00:00","DS18B20":{"Temperature":39.2},"TempUnit":"F"}
//	tele/fridge-7/STATE   {"Time":"2026-03-01T12:00:00","Uptime":"1T20:34:21","POWER":"ON","Wifi":{"RSSI":70}}
//	tele/fridge-7/LWT     Online
//	stat/fridge-7/POWER   ON
//
// The names of nested objects are joined: DS18B20_Temperature, Wifi_RSSI. A
// value that stands alone is named by its topic level. LWT is presence.
// TempUnit, PressureUnit and SpeedUnit become the units of the readings they
// speak of. Commands (cmnd/...) and the answers to them (RESULT, STATUS...) are
// nothing to ingest, except the sensors in STATUS8 and STATUS10.
//
// Time is mostly local, without its offset from UTC, and then nobody can place
// it: the time of receipt is taken, unless the source names a timezone. Its
// other forms are RFC 3339 and seconds (command Time).
//
// The format is described at https://tasmota.github.io/docs/MQTT/.
type Tasmota struct {
	byTopic
	zone *time.Location // nil: local times cannot be placed
	docs documents
}

// NewTasmota returns the codec. device is the topic level of the device's name;
// zone is where devices are that send local times, and nil if unknown.
func NewTasmota(device string, zone *time.Location) (*Tasmota, error) {
	s, err := topicSelector("tasmota", device)
	if err != nil {
		return nil, err
	}
	return &Tasmota{byTopic: byTopic{s}, zone: zone}, nil
}

// Decode implements [Codec].
func (c *Tasmota) Decode(dst []devices.Report, p Payload) ([]devices.Report, error) {
	last := p.Topic[strings.LastIndexByte(p.Topic, '/')+1:]
	if len(p.Body) == 0 || isTasmotaTalk(p.Topic, last) {
		return dst, nil
	}
	id, err := c.device.fromTopic(p.Topic)
	if err != nil {
		return dst, err
	}
	if last == "LWT" {
		return presence(dst, id, p, "Online", "Offline")
	}
	dst, r := extend(dst)
	r.Device, r.ObservedAt, r.ReceivedAt = id, p.ReceivedAt, p.ReceivedAt
	if bracket := p.Body[0] == '{' || p.Body[0] == '['; !bracket && !isTasmotaObject(last) {
		return dst, appendPlain(r, last, p.Body)
	}
	d := c.docs.open(p.Body)
	defer c.docs.release(d)
	if err := c.message(d, r, last); err != nil {
		return dst, err
	}
	return dst, d.end()
}

// isTasmotaTalk reports whether a topic carries commands, answers or logs.
func isTasmotaTalk(topic, last string) bool {
	switch last {
	case "STATUS8", "STATUS10":
		return false
	case "RESULT", "LOGGING", "INFO1", "INFO2", "INFO3", "UPGRADE":
		return true
	}
	return strings.HasPrefix(last, "STATUS") || strings.HasPrefix(topic, "cmnd/") || strings.Contains(topic, "/cmnd/")
}

// isTasmotaObject reports whether a topic always carries an object, of which
// the topic is no part of a name.
func isTasmotaObject(last string) bool {
	return last == "SENSOR" || last == "STATE" || strings.HasPrefix(last, "STATUS")
}

// message reads an object into a report. In the answers STATUS8 and STATUS10
// it stands under StatusSNS.
func (c *Tasmota) message(d *document, r *devices.Report, last string) error {
	var units tasmotaUnits
	var fields func(key string) error
	fields = func(key string) error {
		var err error
		switch key {
		case "Time", "Epoch":
			return c.time(d, r)
		case "TempUnit":
			units.temperature, err = d.label()
		case "PressureUnit":
			units.pressure, err = d.label()
		case "SpeedUnit":
			units.speed, err = d.label()
		case "StatusSNS":
			return d.object("an object of sensors", fields)
		default:
			if isTasmotaObject(last) {
				return d.flatten(r, key)
			}
			return d.flatten(r, last, key)
		}
		return err
	}
	if err := d.object("an object", fields); err != nil {
		return err
	}
	units.apply(r)
	return nil
}

// time reads the time of the message, and leaves the report's alone when the
// one given cannot be placed.
func (c *Tasmota) time(d *document, r *devices.Report) error {
	raw, err := d.value()
	if err != nil {
		return err
	}
	switch raw.Kind() {
	case '0':
		r.ObservedAt = instant(raw, 0)
		return nil
	case '"':
	default:
		return d.errAt(raw, fmt.Errorf("must be a time, not %s", describe(raw.Kind())))
	}
	text := string(d.text(raw))
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		r.ObservedAt = t.UTC()
		return nil
	}
	const local = "2006-01-02T15:04:05"
	zone := c.zone
	if zone == nil {
		zone = time.UTC
	}
	t, err := time.ParseInLocation(local, text, zone)
	if err != nil {
		return d.errAt(raw, errors.New("must be a time such as 2026-03-01T12:00:00"))
	}
	if c.zone != nil {
		r.ObservedAt = t.UTC()
	}
	return nil
}

// tasmotaUnits are the units that a message names; "" when it does not.
type tasmotaUnits struct{ temperature, pressure, speed string }

// apply gives the readings of the report their units, which stand behind them
// in the message.
func (u tasmotaUnits) apply(r *devices.Report) {
	if u == (tasmotaUnits{}) || len(r.Readings) == 0 {
		return
	}
	r.Units = make([]string, len(r.Readings))
	for i, reading := range r.Readings {
		last := strings.TrimRight(reading.Metric, "_0123456789") // of several probes
		last = last[strings.LastIndexByte(last, '_')+1:]
		switch last {
		case "Temperature", "DewPoint":
			r.Units[i] = u.temperature
		case "Pressure", "SeaPressure":
			r.Units[i] = u.pressure
		case "Speed", "WindSpeed":
			r.Units[i] = u.speed
		}
	}
}
