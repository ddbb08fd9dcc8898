package codec

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"telltale/devices"
)

// FieldMap says where in a JSON payload the readings are. A path is keys with
// dots between, such as "main.temperature"; in a list, the key is the index
// from 0.
type FieldMap struct {
	// Time is the path of the time of observation. Empty: the time of receipt.
	// When set, a payload without it is malformed.
	Time string

	// Layout is how the time is written: "unix_ms", "unix", "rfc3339", or a
	// layout of Go's time package, such as "20060102T150405Z" (taken as UTC
	// unless it holds a zone). Empty: "rfc3339".
	Layout string

	Values map[string]string // path by metric
}

// Fields decodes any JSON object, or a list of them, by a FieldMap. What no
// path names is skipped; a path that leads nowhere, or to null, gives no
// reading.
type Fields struct {
	device selector
	layout string
	root   *node
	timed  bool
	docs   documents
}

// node is one step of the paths, merged into a tree so that one pass over the
// payload meets them all.
type node struct {
	children map[string]*node
	use      use
	metrics  []string // for useValue: more than one may read the same path
}

type use uint8

const (
	useNone use = iota
	useValue
	useTime
	useDevice
)

// NewFields returns a codec for the map. device is as in [Source.Device].
func NewFields(device string, m *FieldMap) (*Fields, error) {
	if m == nil || len(m.Values) == 0 {
		return nil, errors.New("codec fields needs at least one value, as metric: path")
	}
	if len(m.Values) > MaxValues {
		return nil, fmt.Errorf("codec fields takes at most %d values, not %d", MaxValues, len(m.Values))
	}
	s, err := parseSelector(device)
	if err != nil {
		return nil, err
	}
	c := &Fields{device: s, layout: m.Layout, root: &node{}, timed: m.Time != ""}
	if c.layout == "" {
		c.layout = "rfc3339"
	}
	var errs []error
	for _, metric := range slices.Sorted(maps.Keys(m.Values)) {
		errs = append(errs, c.root.add(m.Values[metric], useValue, metric))
	}
	if c.timed {
		errs = append(errs, c.root.add(m.Time, useTime, ""))
	}
	if !s.inTopic() {
		errs = append(errs, c.root.add(s.path, useDevice, ""))
	}
	return c, errors.Join(errs...)
}

// add puts a path into the tree.
func (n *node) add(path string, u use, metric string) error {
	at := n
	for key := range strings.SplitSeq(path, ".") {
		if key == "" {
			return fmt.Errorf("path %q has an empty step", path)
		}
		if at.use != useNone {
			return fmt.Errorf("path %q goes through a value that another path reads", path)
		}
		if at.children == nil {
			at.children = make(map[string]*node)
		}
		if at.children[key] == nil {
			at.children[key] = &node{}
		}
		at = at.children[key]
	}
	if at.children != nil || at.use != useNone && at.use != u {
		return fmt.Errorf("path %q is read in two ways", path)
	}
	at.use = u
	if u == useValue {
		at.metrics = append(at.metrics, metric)
	}
	return nil
}

// Decode implements [Codec].
func (c *Fields) Decode(dst []devices.Report, p Payload) ([]devices.Report, error) {
	var id devices.ID
	if c.device.inTopic() {
		var err error
		if id, err = c.device.fromTopic(p.Topic); err != nil {
			return dst, err
		}
	}
	d := c.docs.open(p.Body)
	defer c.docs.release(d)
	return d.reports(dst, func(r *devices.Report) error {
		r.Device, r.ReceivedAt = id, p.ReceivedAt
		if err := c.walk(d, c.root, r); err != nil {
			return err
		}
		return c.complete(d, r)
	})
}

// complete fills in or complains about what the object did not say.
func (c *Fields) complete(d *document, r *devices.Report) error {
	if r.Device == "" {
		return &PayloadError{Field: c.device.path, Offset: -1, Err: errNoDevice}
	}
	if !c.timed {
		r.ObservedAt = r.ReceivedAt
	}
	if r.ObservedAt.IsZero() {
		return &PayloadError{Offset: -1, Err: errors.New("payload does not say its time")}
	}
	return nil
}

// walk reads the next value, of which n says what is wanted.
func (c *Fields) walk(d *document, n *node, r *devices.Report) error {
	switch {
	case n.use != useNone:
		return c.take(d, n, r)
	case d.dec.PeekKind() == '{':
		return c.walkObject(d, n, r)
	case d.dec.PeekKind() == '[':
		return c.walkList(d, n, r)
	default: // a scalar where the path expects more: it leads nowhere
		_, err := d.value()
		return err
	}
}

func (c *Fields) walkObject(d *document, n *node, r *devices.Report) error {
	if err := d.enter(); err != nil {
		return err
	}
	for d.more('}') {
		key, err := d.value()
		if err != nil {
			return err
		}
		if err := c.step(d, n.children[string(d.text(key))], r); err != nil {
			return err
		}
	}
	return d.leave()
}

func (c *Fields) walkList(d *document, n *node, r *devices.Report) error {
	if err := d.enter(); err != nil {
		return err
	}
	for i := 0; d.more(']'); i++ {
		if err := c.step(d, n.children[fmt.Sprint(i)], r); err != nil {
			return err
		}
	}
	return d.leave()
}

// step reads the value under a key; child is nil when no path goes there.
func (c *Fields) step(d *document, child *node, r *devices.Report) error {
	if child == nil {
		_, err := d.value()
		return err
	}
	return c.walk(d, child, r)
}

// take reads a value that a path ends at.
func (c *Fields) take(d *document, n *node, r *devices.Report) error {
	switch n.use {
	case useTime:
		t, err := c.time(d)
		r.ObservedAt = t
		return err
	case useDevice:
		id, err := deviceID(d)
		r.Device = id
		return err
	default:
		v, ok, err := d.reading()
		if err != nil || !ok {
			return err
		}
		for _, metric := range n.metrics {
			r.Readings = append(r.Readings, devices.Reading{Metric: metric, Value: v})
		}
		return nil
	}
}

func (c *Fields) time(d *document) (time.Time, error) {
	raw, err := d.value()
	if err != nil {
		return time.Time{}, err
	}
	wrong := func() error { return d.errAt(raw, fmt.Errorf("must be a time written as %s", c.layout)) }
	switch {
	case raw.Kind() == '0' && c.layout == "unix_ms":
		return instant(raw, time.Millisecond), nil
	case raw.Kind() == '0' && c.layout == "unix":
		return instant(raw, time.Second), nil
	case raw.Kind() != '"' || strings.HasPrefix(c.layout, "unix"):
		return time.Time{}, wrong()
	}
	layout := c.layout
	if layout == "rfc3339" {
		layout = time.RFC3339
	}
	t, err := time.Parse(layout, string(d.text(raw)))
	if err != nil {
		return time.Time{}, wrong()
	}
	return t.UTC(), nil
}

// deviceID reads an id that is a text or a whole number.
func deviceID(d *document) (devices.ID, error) {
	raw, err := d.value()
	if err != nil {
		return "", err
	}
	s := []byte(raw)
	switch raw.Kind() {
	case '"':
		s = d.text(raw)
	case '0':
	default:
		return "", d.errAt(raw, fmt.Errorf("device must be a text or a number, not %s", describe(raw.Kind())))
	}
	id := d.name(s)
	if _, err := checkID(id); err != nil {
		return "", d.errAt(jsontext.Value(raw), errors.Unwrap(err))
	}
	return devices.ID(id), nil
}
