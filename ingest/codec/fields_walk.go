package codec

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"telltale/devices"
)

// fieldsWalk is one pass over a payload.
type fieldsWalk struct {
	c      *Fields
	d      *document
	at     time.Time  // of receipt
	device devices.ID // "" until it is known
	dst    []devices.Report
	which  []int    // field of each reading
	units  []string // said in the payload, by field
}

// envelope reads an object around a list of records. Where the device is named
// behind them, they get it at the end.
func (w *fieldsWalk) envelope(dst []devices.Report) ([]devices.Report, error) {
	before := len(dst)
	w.dst = dst
	if err := w.d.expect('{', "an object"); err != nil {
		return dst, err
	}
	if err := w.walk(w.c.top, &devices.Report{}); err != nil {
		return w.dst, err
	}
	for i := range w.dst[before:] {
		r := &w.dst[before+i]
		r.Device = w.device
		if err := w.c.known(r); err != nil {
			return w.dst, err
		}
	}
	return w.dst, w.d.end()
}

func (w *fieldsWalk) records() error {
	return w.d.list("a list of records", MaxReports, func() error {
		if err := w.d.expect('{', "an object"); err != nil {
			return err
		}
		var r *devices.Report
		w.dst, r = extend(w.dst)
		return w.report(r)
	})
}

// report reads the next value, an object, into a report.
func (w *fieldsWalk) report(r *devices.Report) error {
	r.Device, r.ReceivedAt = w.device, w.at
	if !w.c.timed {
		r.ObservedAt = w.at
	}
	w.which, w.units = w.which[:0], w.units[:0]
	if err := w.walk(w.c.root, r); err != nil {
		return err
	}
	if r.ObservedAt.IsZero() {
		return &PayloadError{Offset: -1, Err: errors.New("payload does not say its time")}
	}
	if w.c.units && len(r.Readings) > 0 {
		r.Units = make([]string, len(r.Readings))
		for i, field := range w.which {
			r.Units[i] = w.c.fields[field].Unit
			if field < len(w.units) && w.units[field] != "" {
				r.Units[i] = w.units[field]
			}
		}
	}
	return nil
}

// walk reads the next value, of which n says what is wanted.
func (w *fieldsWalk) walk(n *node, r *devices.Report) error {
	switch kind := w.d.dec.PeekKind(); {
	case n == nil:
		return w.d.skip()
	case n.uses != nil:
		return w.take(n, r)
	case kind == '{':
		return w.object(n, r)
	case kind == '[':
		i := -1
		return w.d.list("a list", math.MaxInt, func() error {
			i++
			return w.walk(n.children[strconv.Itoa(i)], r)
		})
	default: // a scalar where the path expects more: it leads nowhere
		return w.d.skip()
	}
}

func (w *fieldsWalk) object(n *node, r *devices.Report) error {
	if err := w.d.enter(); err != nil {
		return err
	}
	for w.d.more('}') {
		key, err := w.d.value()
		if err != nil {
			return err
		}
		if err := w.walk(n.children[string(w.d.text(key))], r); err != nil {
			return err
		}
	}
	return w.d.leave()
}

// take reads a value that paths end at, once for all of them.
func (w *fieldsWalk) take(n *node, r *devices.Report) error {
	list := w.d.dec.PeekKind() == '['
	switch first := n.uses[0].kind; {
	case first == useRecords:
		return w.records()
	case first == useFaults && len(n.uses) == 1 && list:
		return nativeFaults(w.d, r)
	}
	raw, err := w.d.value()
	if err != nil {
		return err
	}
	for _, u := range n.uses {
		if err := w.use(u, raw, r); err != nil {
			return err
		}
	}
	return nil
}

func (w *fieldsWalk) use(u use, raw jsontext.Value, r *devices.Report) (err error) {
	switch u.kind {
	case useTime:
		r.ObservedAt, err = w.time(raw)
	case useDevice:
		w.device, err = w.d.deviceIDOf(raw)
		r.Device = w.device
	case useFaults:
		err = w.fault(raw, r)
	case useUnit:
		if u.field >= len(w.units) {
			w.units = slices.Grow(w.units, len(w.c.fields))[:len(w.c.fields)]
			clear(w.units)
		}
		w.units[u.field], err = w.d.labelOf(raw)
	default:
		err = w.reading(u.field, raw, r)
	}
	return err
}

func (w *fieldsWalk) reading(field int, raw jsontext.Value, r *devices.Report) error {
	v, ok, err := w.d.readingOf(raw)
	if err != nil || !ok {
		return err
	}
	if f := &w.c.fields[field]; v.IsLabel() {
		n, known := f.Labels[v.Label]
		if !known && f.Numeric {
			n, known = devices.ParseNumber(v.Label)
		}
		if known {
			v = devices.Number(n)
		}
	}
	r.Readings = append(r.Readings, devices.Reading{Metric: w.c.metrics[field], Value: v})
	w.which = append(w.which, field)
	return nil
}

// fault reads a single code, or null.
func (w *fieldsWalk) fault(raw jsontext.Value, r *devices.Report) error {
	code, err := w.d.labelOf(raw)
	if err != nil {
		return err
	}
	r.Faults = []string{}
	if code != "" {
		r.Faults = append(r.Faults, code)
	}
	return nil
}
