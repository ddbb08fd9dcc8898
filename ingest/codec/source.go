package codec

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"telltale/devices"
)

// Source says that the topics matching Filter speak a format.
type Source struct {
	Name   string // how people call it; empty: its filter
	Filter string // MQTT topic filter, with + and #
	Codec  string // one of [Codecs]

	// Device says where the device's id stands: "topic[N]" for a level of the
	// topic, counted from 0, or a path in the payload where the codec allows
	// one. Empty: the codec's own default, mostly topic[1].
	Device string

	// Timezone is where the devices are, as in "Europe/Warsaw", for codecs whose
	// devices may tell local times: "tasmota" and "fields". Empty: such a time
	// is taken as each of them says.
	Timezone string

	Fields *FieldMap // for "fields" only
}

// The topics of the native format; contract.md names them.
const (
	telemetryFilter = "telltale/+/telemetry"
	statusFilter    = "telltale/+/status"
	commandFilter   = "telltale/+/command"
)

// Options are what some codecs need besides their source. The zero value is
// enough for those that only look at the payload.
type Options struct {
	// Births are what Sparkplug nodes and devices said of themselves before a
	// restart, the earliest first. KeepBirth is called with each new one; it
	// may block for a moment, and the message is decoded afterwards. Nil: after
	// a restart they are asked again.
	Births    []Birth
	KeepBirth func(Birth)

	// Publish sends a message to where messages come from, such as the request
	// for a birth. It must not block. Nil: nothing is sent.
	Publish func(topic string, payload []byte)

	// Scripts decode LoRaWAN frames that the network server did not. Nil: such
	// frames are refused.
	Scripts Scripts

	// Metrics is where codecs register what they count. Nil: nowhere.
	Metrics prometheus.Registerer

	// Extra are codecs beyond those of this package, by name: what a program
	// that embeds the gateway brings along. Ours win over one of the same name.
	Extra map[string]func(Source) (Codec, error)
}

// builders makes a codec of each name from its source.
var builders = map[string]func(Source, Options) (Codec, error){
	"chirpstack": func(s Source, o Options) (Codec, error) { return NewChirpStack(s.Device, o.Scripts) },
	"ttn":        func(s Source, o Options) (Codec, error) { return NewTTN(s.Device, o.Scripts) },
	"native":     func(s Source, _ Options) (Codec, error) { return NewNative(cmp.Or(s.Device, "topic[1]")) },
	"status":     func(s Source, _ Options) (Codec, error) { return NewStatus(cmp.Or(s.Device, "topic[1]")) },
	"fields": func(s Source, _ Options) (Codec, error) {
		zone, err := s.zone()
		if err != nil {
			return nil, err
		}
		return NewFields(cmp.Or(s.Device, "topic[1]"), zone, s.Fields)
	},
	"senml":  func(s Source, _ Options) (Codec, error) { return NewSenML(s.Device) },
	"shelly": func(s Source, _ Options) (Codec, error) { return NewShelly(s.Device) },
	"tasmota": func(s Source, _ Options) (Codec, error) {
		zone, err := s.zone()
		if err != nil {
			return nil, err
		}
		return NewTasmota(cmp.Or(s.Device, "topic[1]"), zone)
	},
	"zigbee2mqtt": func(s Source, _ Options) (Codec, error) { return NewZigbee2MQTT(s.Filter, s.Device) },
	"sparkplug": func(s Source, o Options) (Codec, error) {
		if s.Device != "" {
			return nil, errors.New("codec sparkplug takes no device: it is group/node/device of the topic")
		}
		return NewSparkplug(s.Filter, o)
	},
}

// Codecs lists the names of all formats, sorted.
func Codecs() []string { return slices.Sorted(maps.Keys(builders)) }

// Router finds the codec of a topic. It is immutable and safe for concurrent
// use.
type Router struct {
	routes []route
	tree   filterTree // of their filters
}

type route struct {
	source string // its name
	filter string
	codec  Codec
}

// NewRouter returns a router of the native topics and of sources. Where
// filters overlap the native ones win, then the earlier source. The error
// lists everything that is wrong with the sources.
func NewRouter(sources []Source, opts Options) (*Router, error) {
	all := append(BuiltIn(), sources...)

	r := &Router{}
	var errs []error
	for _, s := range all {
		name := cmp.Or(s.Name, s.Filter)
		c, err := s.compile(opts)
		if err == nil && slices.ContainsFunc(r.routes, func(o route) bool { return o.source == name }) {
			err = fmt.Errorf("another source is called %q, and a source's clock goes by its name", name)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("source %q: %w", s.Filter, err))
			continue
		}
		r.tree.add(s.Filter, len(r.routes))
		r.routes = append(r.routes, route{source: name, filter: s.Filter, codec: c})
	}
	return r, errors.Join(errs...)
}

// BuiltIn are the sources that every gateway has.
func BuiltIn() []Source {
	return []Source{
		{Filter: telemetryFilter, Codec: "native"},
		{Filter: statusFilter, Codec: "status"},
	}
}

// New returns a codec of a source's own, such as a trial needs.
func New(s Source, opts Options) (Codec, error) {
	c, err := s.compile(opts)
	if err != nil {
		return nil, fmt.Errorf("source %q: %w", s.Filter, err)
	}
	return c, nil
}

func (s Source) compile(opts Options) (Codec, error) {
	if err := ValidFilter(s.Filter); err != nil {
		return nil, err
	}
	if s.Fields != nil && s.Codec != "fields" {
		return nil, fmt.Errorf("codec %s takes no fields", s.Codec)
	}
	if s.Timezone != "" && s.Codec != "fields" && s.Codec != "tasmota" {
		return nil, fmt.Errorf("codec %s takes no timezone", s.Codec)
	}
	if d, err := parseSelector(s.Device); err == nil && d.inTopic() && !hasLevel(s.Filter, d.level) {
		return nil, fmt.Errorf("device is %s, and the topics of this filter end before", s.Device)
	}
	build, ok := builders[s.Codec]
	if extra, given := opts.Extra[s.Codec]; !ok && given {
		return extra(s)
	}
	if !ok {
		return nil, fmt.Errorf("unknown codec %q; there are %s", s.Codec, strings.Join(Codecs(), ", "))
	}
	return build(s, opts)
}

// hasLevel reports whether topics that match a filter may have a level.
func hasLevel(filter string, level int) bool {
	return strings.HasSuffix(filter, "#") || strings.Count(filter, "/") >= level
}

// zone returns the time zone of local times; nil when the source names none.
func (s Source) zone() (*time.Location, error) {
	if s.Timezone == "" {
		return nil, nil
	}
	zone, err := time.LoadLocation(s.Timezone)
	if err != nil || s.Timezone == "Local" { // the gateway's own zone is no fact about devices
		return nil, fmt.Errorf("unknown timezone %q", s.Timezone)
	}
	return zone, nil
}

// Route returns the codec for a topic.
func (r *Router) Route(topic string) (Codec, bool) {
	_, c, ok := r.Find(topic)
	return c, ok
}

// Find returns the source that claims a topic, by name, and its codec.
func (r *Router) Find(topic string) (source string, c Codec, ok bool) {
	i, ok := r.tree.find(topic)
	if !ok {
		return "", nil, false
	}
	return r.routes[i].source, r.routes[i].codec, true
}

// Owner returns the device that alone speaks on a topic: its codec takes every
// message there for that device's. It is false where several may, or where the
// payload names the device.
func (r *Router) Owner(topic string) (devices.ID, bool) {
	c, _ := r.Route(topic)
	if owned, ok := c.(interface {
		Owner(topic string) (devices.ID, bool)
	}); ok {
		return owned.Owner(topic)
	}
	return "", false
}

// Filters returns the topic filters that a subscriber must subscribe to.
func (r *Router) Filters() []string {
	filters := make([]string, len(r.routes))
	for i := range r.routes {
		filters[i] = r.routes[i].filter
	}
	return filters
}

// IsCommand reports whether a topic carries commands to devices, which are
// nothing to ingest.
func IsCommand(topic string) bool { return Matches(commandFilter, topic) }

// IsTelemetry reports whether a topic is the native one for telemetry.
func IsTelemetry(topic string) bool { return Matches(telemetryFilter, topic) }

// Matches reports whether an MQTT topic filter matches a topic. A wildcard in
// the first level does not match topics that begin with "$" [MQTT-4.7.2-1].
func Matches(filter, topic string) bool {
	if strings.HasPrefix(topic, "$") && !strings.HasPrefix(filter, "$") {
		return false
	}
	for {
		want, restFilter, moreFilter := strings.Cut(filter, "/")
		if want == "#" {
			return true
		}
		have, restTopic, moreTopic := strings.Cut(topic, "/")
		if want != "+" && want != have {
			return false
		}
		if !moreTopic {
			// "a/#" also matches "a" [MQTT-4.7.1-2].
			return !moreFilter || restFilter == "#"
		}
		if !moreFilter {
			return false
		}
		filter, topic = restFilter, restTopic
	}
}

// ValidFilter returns nil when s is an MQTT topic filter, and else a sentence.
func ValidFilter(s string) error {
	if s == "" || len(s) > 65535 {
		return errors.New("topic filter must have 1 to 65535 bytes")
	}
	levels := strings.Split(s, "/")
	for i, level := range levels {
		switch {
		case strings.ContainsRune(level, 0):
			return errors.New("topic filter holds a null character")
		case strings.Contains(level, "#") && (level != "#" || i != len(levels)-1):
			return fmt.Errorf("topic filter %q has a # that is not its last level", s)
		case strings.Contains(level, "+") && level != "+":
			return fmt.Errorf("topic filter %q has a + that is not a whole level", s)
		}
	}
	return nil
}
