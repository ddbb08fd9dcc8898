package codec

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"telltale/devices"
	"telltale/ingest/codec/sparkplug"
)

// born is what the birth of a node or a device says of its metrics. A nil one
// was never born.
type born struct {
	at      time.Time // received
	said    *uint64   // when, by the sender's clock; nil: it did not say
	digest  uint64
	dead    bool
	byName  map[string]*bornMetric // as the vendor writes it
	byAlias map[uint64]*bornMetric
}

type bornMetric struct {
	vendor  string // the name as it stands
	name    string // of the reading
	control bool   // the node's own business, no telemetry
	typ     sparkplug.DataType
}

func (b *born) alive() bool { return b != nil && !b.dead }

// repeats reports whether m is the very birth again, as after a lost
// acknowledgement. After a death it is a new life, whatever it says.
func (b *born) repeats(m message) bool { return b.alive() && b.digest == m.digest }

// after reports whether m was sent before this birth, by our clock or by the
// sender's: what comes again comes later than it was said.
func (b *born) after(m message) bool {
	said := m.body.Timestamp
	return m.ReceivedAt.Before(b.at) || said != nil && b.said != nil && *said < *b.said
}

func (b *born) size() int {
	if b == nil {
		return 0
	}
	return len(b.byName)
}

// newBorn reads a birth.
func newBorn(m message) (*born, error) {
	b := &born{
		at: m.ReceivedAt, said: m.body.Timestamp, digest: m.digest,
		byName: make(map[string]*bornMetric), byAlias: make(map[uint64]*bornMetric),
	}
	vendors := make(map[string]string, len(m.body.Metrics)) // by name of the reading
	for i := range m.body.Metrics {
		path := fmt.Sprintf("metrics[%d]", i)
		metric, err := newBornMetric(&m.body.Metrics[i])
		if err != nil {
			return nil, &PayloadError{Field: path + ".name", Offset: -1, Err: err}
		}
		if other, ok := vendors[metric.name]; ok && !metric.control && other != metric.vendor {
			return nil, &PayloadError{Field: path + ".name", Offset: -1,
				Err: fmt.Errorf("%q and %q would both be called %s", other, metric.vendor, metric.name)}
		}
		if !metric.control {
			vendors[metric.name] = metric.vendor
		}
		if err := b.add(metric, m.body.Metrics[i].Alias); err != nil {
			return nil, &PayloadError{Field: path + ".alias", Offset: -1, Err: err}
		}
	}
	return b, nil
}

func newBornMetric(m *sparkplug.Metric) (*bornMetric, error) {
	switch {
	case m.Name == "":
		return nil, errors.New("is missing, though a birth must name each metric")
	case len(m.Name) > MaxName:
		return nil, fmt.Errorf("name of %d bytes is longer than %d", len(m.Name), MaxName)
	case !utf8.ValidString(m.Name):
		return nil, errors.New("is not UTF-8")
	}
	control := m.Name == sparkplug.BDSeqMetric || strings.HasPrefix(m.Name, "Node Control/") || strings.HasPrefix(m.Name, "Device Control/")
	return &bornMetric{vendor: m.Name, name: readingName(m.Name), control: control, typ: m.Type}, nil
}

// readingName is a metric's name as it stands, with "_" for what parts it:
// "Inputs/Temp 1" is Inputs_Temp_1.
func readingName(vendor string) string {
	return strings.Map(func(r rune) rune {
		if r == '/' || r == ' ' {
			return '_'
		}
		return r
	}, vendor)
}

// add puts a metric into the tables. Where an alias is given both to telemetry
// and to the node's own business, telemetry has it.
func (b *born) add(m *bornMetric, alias *uint64) error {
	b.byName[m.vendor] = m
	if alias == nil {
		return nil
	}
	other := b.byAlias[*alias]
	switch {
	case other == nil, other.control && !m.control:
		b.byAlias[*alias] = m
	case !other.control && !m.control && other.vendor != m.vendor:
		return fmt.Errorf("alias %d is given both to %q and to %q", *alias, other.vendor, m.vendor)
	}
	return nil
}

// find returns the metric that a payload speaks of, by its alias, its name, or
// both, which then must agree.
func (b *born) find(m *sparkplug.Metric) (*bornMetric, error) {
	var found *bornMetric
	switch {
	case m.Name != "":
		if found = b.byName[m.Name]; found == nil {
			return nil, unbornError(fmt.Sprintf("no birth names the metric %q", m.Name))
		}
		if m.Alias != nil && b.byAlias[*m.Alias] != found && !found.control {
			return nil, unbornError(fmt.Sprintf("no birth gives the alias %d to the metric %q", *m.Alias, m.Name))
		}
	case m.Alias != nil:
		if found = b.byAlias[*m.Alias]; found == nil {
			return nil, unbornError(fmt.Sprintf("no birth says what alias %d means", *m.Alias))
		}
	default:
		return nil, errors.New("has neither a name nor an alias")
	}
	if m.Type != sparkplug.Unknown && m.Type != found.typ {
		return nil, unbornError(fmt.Sprintf("%q is of type %s, but its birth says %s", found.vendor, m.Type, found.typ))
	}
	return found, nil
}

// readings appends the values of a message, a report for each time they were
// observed at.
func (c *Sparkplug) readings(dst []devices.Report, b *born, m message) ([]devices.Report, error) {
	first := len(dst)
	for i := range m.body.Metrics {
		in := &m.body.Metrics[i]
		metric, v, ok, err := b.reading(in)
		if err != nil {
			return dst, &PayloadError{Field: fmt.Sprintf("metrics[%d]", i), Offset: -1, Err: err}
		}
		if !ok {
			if !in.Null && !metric.control {
				c.metrics.skipped.Inc()
			}
			continue
		}
		at := m.observedAt(in)
		k := len(dst) - 1
		for k >= first && !dst[k].ObservedAt.Equal(at) {
			k--
		}
		if k < first {
			if len(dst)-first == MaxReports {
				return dst, &PayloadError{Offset: -1, Err: fmt.Errorf("more than %d different times", MaxReports)}
			}
			dst, _ = extend(dst)
			k = len(dst) - 1
			dst[k].Device, dst[k].ObservedAt, dst[k].ReceivedAt = m.id, at, m.ReceivedAt
		}
		dst[k].Readings = append(dst[k].Readings, devices.Reading{Metric: metric.name, Value: v})
	}
	return dst, nil
}

// reading returns the value of a metric; ok is false when it has none that is
// a reading.
func (b *born) reading(in *sparkplug.Metric) (metric *bornMetric, v devices.Value, ok bool, err error) {
	if metric, err = b.find(in); err != nil || metric.control || in.Null {
		return metric, v, false, err
	}
	v, err = in.Value.Reading(metric.typ)
	switch {
	case errors.Is(err, sparkplug.ErrNoReading):
		return metric, v, false, nil
	case err != nil:
		return metric, v, false, fmt.Errorf("%q: %w", metric.vendor, err)
	case v.IsLabel():
		return metric, v, len(v.Label) <= MaxText && utf8.ValidString(v.Label), nil
	}
	isText := metric.typ == sparkplug.String || metric.typ == sparkplug.Text || metric.typ == sparkplug.UUID
	return metric, v, !isText, nil // an empty text says nothing
}

// observedAt is the metric's time, else the payload's, else ours.
func (m *message) observedAt(in *sparkplug.Metric) time.Time {
	stamp := in.Timestamp
	if stamp == nil {
		stamp = m.body.Timestamp
	}
	if stamp == nil {
		return m.ReceivedAt
	}
	return Instant(int64(min(*stamp, math.MaxInt64)))
}
