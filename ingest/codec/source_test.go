package codec

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTopicFiltersMatchAsInTheStandard(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		filter, topic string
		want          bool
	}{
		{"a/b", "a/b", true},
		{"a/b", "a/b/c", false},
		{"a/b/c", "a/b", false},
		{"a/+/c", "a/b/c", true},
		{"a/+/c", "a//c", true},
		{"a/+", "a/b/c", false},
		{"a/+", "a", false},
		{"+", "a", true},
		{"+", "/a", false},
		{"+/+", "/a", true},
		{"#", "a/b/c", true},
		{"a/#", "a", true},
		{"a/#", "a/b/c", true},
		{"a/#", "ab", false},
		{"a/+/#", "a", false},
		{"#", "$SYS/x", false},
		{"+/x", "$SYS/x", false},
		{"$SYS/#", "$SYS/x", true},
		{"A", "a", false},
		{"a/", "a", false},
		{"a", "a/", false},
	} {
		if got := Matches(c.filter, c.topic); got != c.want {
			t.Errorf("filter %q matches topic %q: %v, want %v", c.filter, c.topic, got, c.want)
		}
	}
}

func TestRouterPrefersNativeTopicsThenTheEarlierSource(t *testing.T) {
	t.Parallel()
	fields := &FieldMap{Metrics: paths(map[string]string{"t": "t"})}
	r, err := NewRouter([]Source{
		{Filter: "plant/#", Codec: "native", Device: "topic[2]"},
		{Filter: "plant/+/x", Codec: "fields", Fields: fields},
		{Filter: "#", Codec: "fields", Fields: fields},
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for topic, want := range map[string]string{
		"telltale/d/telemetry": "*codec.Native",
		"telltale/d/status":    "*codec.Status",
		"plant/1/x":            "*codec.Native",
		"other":                "*codec.Fields",
	} {
		c, ok := r.Route(topic)
		if got := typeName(c); !ok || got != want {
			t.Errorf("topic %q goes to %s, want %s", topic, got, want)
		}
	}
	if _, ok := r.Route("$SYS/x"); ok {
		t.Error("a topic of the broker's own was claimed")
	}
	want := []string{"telltale/+/telemetry", "telltale/+/status", "plant/#", "plant/+/x", "#"}
	if diff := cmp.Diff(want, r.Filters()); diff != "" {
		t.Errorf("filters differ (-want +got):\n%s", diff)
	}
}

func typeName(c Codec) string {
	switch c.(type) {
	case *Native:
		return "*codec.Native"
	case *Status:
		return "*codec.Status"
	case *Fields:
		return "*codec.Fields"
	default:
		return "nothing"
	}
}

func TestWrongSourcesAreNamedExactly(t *testing.T) {
	t.Parallel()
	one := &FieldMap{Metrics: paths(map[string]string{"t": "t"})}
	for _, c := range []struct {
		name   string
		source Source
		want   string
	}{
		{"no filter", Source{Codec: "native"}, `source "": topic filter must have 1 to 65535 bytes`},
		{"a hash in the middle", Source{Filter: "a/#/b", Codec: "native"}, `source "a/#/b": topic filter "a/#/b" has a # that is not its last level`},
		{"a plus inside a level", Source{Filter: "a+/b", Codec: "native"}, `source "a+/b": topic filter "a+/b" has a + that is not a whole level`},
		{"an unknown codec", Source{Filter: "a", Codec: "morse"}, `source "a": unknown codec "morse"; there are ` + strings.Join(Codecs(), ", ")},
		{"native with a path", Source{Filter: "a", Codec: "native", Device: "id"}, `source "a": codec native finds the device in the topic, as topic[N], not at "id"`},
		{"a device that is neither", Source{Filter: "a", Codec: "native", Device: "topic[x]"}, `source "a": device must be topic[N] or a path in the payload, not "topic[x]"`},
		{"native with fields", Source{Filter: "a", Codec: "native", Fields: one}, `source "a": codec native takes no fields`},
		{"fields without any", Source{Filter: "a", Codec: "fields"}, `source "a": codec fields needs at least one metric, as name: path`},
		{"an empty step", Source{Filter: "a", Codec: "fields", Fields: &FieldMap{Metrics: paths(map[string]string{"t": "a..b"})}}, `source "a": path "a..b" has an empty step`},
		{"one path through another", Source{Filter: "a", Codec: "fields", Fields: &FieldMap{Metrics: paths(map[string]string{"s": "a", "t": "a.b"})}},
			`source "a": path "a.b" goes through a value that another path reads`},
		{"one path longer than another", fieldsOf(map[string]Field{"s": {Path: "a.b"}, "t": {Path: "a"}}), `source "a": path "a" ends where another path goes on`},
		{"no path", fieldsOf(map[string]Field{"t": {Unit: "Cel"}}), `source "a": metric t has no path`},
		{"two units", fieldsOf(map[string]Field{"t": {Path: "t", Unit: "Cel", UnitPath: "u"}}), `source "a": metric t has both a unit and the path of one`},
		{"an unknown unit", fieldsOf(map[string]Field{"t": {Path: "t", Unit: "furlong"}}), `source "a": unit "furlong" of metric t is not known`},
		{"an unknown timezone", Source{Filter: "a", Codec: "tasmota", Timezone: "Europe/Atlantis"}, `source "a": unknown timezone "Europe/Atlantis"`},
		{"a timezone for a codec without local times", Source{Filter: "a", Codec: "native", Timezone: "Europe/Warsaw"}, `source "a": codec native takes no timezone`},
		{"a name that a native topic has", Source{Filter: "telltale/+/telemetry", Codec: "native"},
			`source "telltale/+/telemetry": another source is called "telltale/+/telemetry", and a source's clock goes by its name`},
		{"a level beyond the filter", Source{Filter: "a/+", Codec: "native", Device: "topic[2]"},
			`source "a/+": device is topic[2], and the topics of this filter end before`},
		{"tasmota with a path", Source{Filter: "a", Codec: "tasmota", Device: "id"}, `source "a": codec tasmota finds the device in the topic, as topic[N], not at "id"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := NewRouter([]Source{c.source}, Options{}); err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestTopicWithoutTheDevicesLevelIsNamed(t *testing.T) {
	t.Parallel()
	c, err := NewNative("topic[3]")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Decode(nil, Payload{Topic: "a/b", Body: []byte("{}")})
	if want := `topic "a/b" has no level 3 for the device's id`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func fieldsOf(metrics map[string]Field) Source {
	return Source{Filter: "a", Codec: "fields", Fields: &FieldMap{Metrics: metrics}}
}
