package codec

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"telltale/devices"
)

// FieldMap says where in a JSON payload the readings are. A path is keys with
// dots between, such as "main.temperature"; in a list, the key is the index
// from 0. Where keys have dots of their own, a path is a JSON pointer (RFC
// 6901), which begins with a slash: "/main/custom.filter/0".
type FieldMap struct {
	// Records is the path of a list of which each element is a report; all
	// other paths but the device's begin there. Empty: the payload is a report,
	// or a list of them.
	Records string

	// Time is the path of the time of observation. Empty: the time of receipt.
	// When set, a report without it is malformed.
	Time string

	// Layout is how the time is written: "unix", "unix_ms", "unix_us" or
	// "unix_ns"; "rfc3339"; or a layout of Go's time package, such as
	// "20060102T150405Z", which is taken as in the source's timezone or UTC
	// unless it holds a zone. Empty, or "auto": a number by its size (see
	// [Instant]), a text as RFC 3339 or such a number.
	Layout string

	// Faults is the path of the fault codes now present: a text or a list of
	// texts. Null, or an empty one, says that there are none. Empty: nothing is
	// said about faults.
	Faults string

	Metrics map[string]Field // by our name
}

// Field is where the value of a metric is, and what it means.
type Field struct {
	Path string // a path that leads nowhere, or to null, gives no reading

	// Unit is the unit of the value, as [devices.UnitCode] knows it; UnitPath is
	// the path of a text that says it. Both empty: the unit of the model.
	Unit     string
	UnitPath string

	// Numeric reads texts that are numbers, such as "12.5", as such. Labels are
	// the numbers that other texts stand for, such as 1 for open. A text that is
	// neither stays a text.
	Numeric bool
	Labels  map[string]float64
}

// Fields decodes any JSON object, or a list of them, by a FieldMap. What no
// path names is skipped.
type Fields struct {
	byTopic
	layout  string
	zone    *time.Location
	metrics []string // their names, sorted
	fields  []Field  // beside metrics
	root    *node    // of a report
	top     *node    // of the payload around the records; nil: there is nothing around
	timed   bool
	units   bool
	docs    documents
}

// NewFields returns a codec for the map. device is as in [Source.Device]; zone
// is where times without one are meant, and UTC if nil.
func NewFields(device string, zone *time.Location, m *FieldMap) (*Fields, error) {
	if m == nil || len(m.Metrics) == 0 {
		return nil, errors.New("codec fields needs at least one metric, as name: path")
	}
	if len(m.Metrics) > MaxValues {
		return nil, fmt.Errorf("codec fields takes at most %d metrics, not %d", MaxValues, len(m.Metrics))
	}
	s, err := parseSelector(device)
	if err != nil {
		return nil, err
	}
	if zone == nil {
		zone = time.UTC
	}
	c := &Fields{byTopic: byTopic{s}, layout: m.Layout, zone: zone, root: &node{}, timed: m.Time != ""}
	return c, c.plant(m)
}

// plant grows the trees of paths.
func (c *Fields) plant(m *FieldMap) error {
	var errs []error
	add := func(tree *node, path string, u use) {
		if path != "" {
			errs = append(errs, tree.add(path, u))
		}
	}
	around := c.root
	if m.Records != "" {
		c.top = &node{}
		around = c.top
		add(around, m.Records, use{kind: useRecords})
	}
	if !c.device.inTopic() {
		add(around, c.device.path, use{kind: useDevice})
	}
	add(c.root, m.Time, use{kind: useTime})
	add(c.root, m.Faults, use{kind: useFaults})
	c.metrics = slices.Sorted(maps.Keys(m.Metrics))
	for i, metric := range c.metrics {
		f := m.Metrics[metric]
		c.fields = append(c.fields, f)
		c.units = c.units || f.Unit != "" || f.UnitPath != ""
		errs = append(errs, f.check(metric))
		add(c.root, f.Path, use{kind: useValue, field: i})
		add(c.root, f.UnitPath, use{kind: useUnit, field: i})
	}
	return errors.Join(errs...)
}

// check complains about a field that contradicts itself.
func (f *Field) check(metric string) error {
	switch {
	case f.Path == "":
		return fmt.Errorf("metric %s has no path", metric)
	case f.Unit != "" && f.UnitPath != "":
		return fmt.Errorf("metric %s has both a unit and the path of one", metric)
	case len(metric) > MaxName:
		return fmt.Errorf("name of metric %s is longer than %d bytes", metric, MaxName)
	}
	if _, known := devices.UnitCode(f.Unit); f.Unit != "" && !known {
		return fmt.Errorf("unit %q of metric %s is not known", f.Unit, metric)
	}
	return nil
}

// Decode implements [Codec].
func (c *Fields) Decode(dst []devices.Report, p Payload) ([]devices.Report, error) {
	w := fieldsWalk{c: c, at: p.ReceivedAt}
	if c.device.inTopic() {
		var err error
		if w.device, err = c.device.fromTopic(p.Topic); err != nil {
			return dst, err
		}
	}
	w.d = c.docs.open(p.Body)
	defer c.docs.release(w.d)
	if c.top != nil {
		return w.envelope(dst)
	}
	return w.d.reports(dst, func(r *devices.Report) error {
		if err := w.report(r); err != nil {
			return err
		}
		return c.known(r)
	})
}

// known complains about a report of which the payload does not say the device.
func (c *Fields) known(r *devices.Report) error {
	if r.Device == "" {
		return &PayloadError{Field: c.device.path, Offset: -1, Err: errNoDevice}
	}
	return nil
}
