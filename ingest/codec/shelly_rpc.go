package codec

import (
	"time"

	"telltale/devices"
)

// shellyEvent is a push of a button or the like.
type shellyEvent struct {
	component, event string
	at               time.Time
}

// notification reads a frame of the RPC protocol. NotifyStatus and
// NotifyFullStatus have components in their params and become one report;
// NotifyEvent has a list of events, which become one each.
func (c *Shelly) notification(dst []devices.Report, id devices.ID, p Payload) ([]devices.Report, error) {
	d := c.docs.open(p.Body)
	defer c.docs.release(d)
	before := len(dst)
	dst, r := extend(dst)
	r.Device, r.ObservedAt, r.ReceivedAt = id, p.ReceivedAt, p.ReceivedAt
	var events []shellyEvent
	err := d.object("an RPC frame", func(key string) (err error) {
		if key == "params" {
			events, err = shellyParams(d, r)
			return err
		}
		return d.skip()
	})
	if err == nil {
		err = d.end()
	}
	if err != nil {
		return dst, err
	}
	shellyUnits(r)
	if len(r.Readings) == 0 {
		dst = dst[:before]
	}
	for _, e := range events {
		var r *devices.Report
		dst, r = extend(dst)
		r.Device, r.ObservedAt, r.ReceivedAt = id, p.ReceivedAt, p.ReceivedAt
		if !e.at.IsZero() {
			r.ObservedAt = e.at
		}
		metric := string(appendName(appendName(nil, e.component), "event"))
		r.Readings = append(r.Readings, devices.Reading{Metric: metric, Value: devices.Label(e.event)})
	}
	return dst, nil
}

func shellyParams(d *document, r *devices.Report) (events []shellyEvent, err error) {
	err = d.object("an object of components", func(key string) (err error) {
		switch key {
		case "ts":
			return shellyTime(d, r)
		case "events":
			events, err = shellyEvents(d)
			return err
		default:
			return shellyComponent(d, r, key)
		}
	})
	return events, err
}

// shellyEvents reads the list of events. Their other keys are about the event
// itself, such as how far an update has come.
func shellyEvents(d *document) (events []shellyEvent, err error) {
	err = d.list("a list of events", MaxReports, func() error {
		var at devices.Report
		var e shellyEvent
		err := d.object("an object", func(key string) (err error) {
			switch key {
			case "component":
				e.component, err = d.label()
			case "event":
				e.event, err = d.label()
			case "ts":
				err = shellyTime(d, &at)
			default:
				err = d.skip()
			}
			return err
		})
		if e.at = at.ObservedAt; e.component != "" && e.event != "" {
			events = append(events, e)
		}
		return err
	})
	return events, err
}
