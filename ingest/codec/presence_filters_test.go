package codec

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPresenceHasFiltersOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		source Source
		want   []string
	}{
		{Source{Filter: "shellies/#", Codec: "shelly"}, []string{"shellies/+/online", "shellies/+/+/online"}},
		{Source{Filter: "+/online", Codec: "shelly"}, []string{"+/online"}},
		{Source{Filter: "+/events/rpc", Codec: "shelly"}, nil},
		{Source{Filter: "tele/+/+", Codec: "tasmota"}, []string{"tele/+/LWT"}},
		{Source{Filter: "tele/+/SENSOR", Codec: "tasmota"}, nil},
		{Source{Filter: "zigbee2mqtt/#", Codec: "zigbee2mqtt"}, []string{"zigbee2mqtt/+/availability", "zigbee2mqtt/+/+/availability"}},
		{Source{Filter: "meters/#", Codec: "senml"}, nil},
	} {
		again := c.source
		again.Name = "again"
		router, err := NewRouter([]Source{c.source, again}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, router.PresenceFilters()); diff != "" {
			t.Errorf("%s on %s (-want +got):\n%s", c.source.Codec, c.source.Filter, diff)
		}
	}
}
