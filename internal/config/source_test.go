package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAMetricIsAPathOrAMappingWithOne(t *testing.T) {
	t.Parallel()
	path := write(t, `data: /d
sources:
  - filter: "plant/+/data"
    codec: fields
    timezone: Europe/Warsaw
    records: list
    faults: codes
    metrics:
      humidity: rh
      temperature: {path: t.value, unit_path: t.unit, numeric: true}
      door: {path: door, unit: "1", labels: {open: 1, closed: 0}}
`)
	c, err := Load(path, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	want := []Source{{
		Filter: "plant/+/data", Codec: "fields", Timezone: "Europe/Warsaw", Records: "list", Faults: "codes",
		Metrics: map[string]Metric{
			"humidity":    {Path: "rh"},
			"temperature": {Path: "t.value", UnitPath: "t.unit", Numeric: true},
			"door":        {Path: "door", Unit: "1", Labels: map[string]float64{"open": 1, "closed": 0}},
		},
	}}
	if diff := cmp.Diff(want, c.Sources); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWrongMetricsAreNamedWithTheirLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, metric, want string }{
		{"an unknown key", "{path: t, units: F}", `FILE:2: unknown key "units"`},
		{"a list", "[t]", "FILE:2: a metric is a path, or a mapping with one"},
		{"a label that is no number", "{path: t, labels: {open: yes please}}", "FILE:2: cannot unmarshal !!str `yes please` into float64"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := write(t, "data: /d\nsources: [{filter: a, codec: fields, metrics: {t: "+c.metric+"}}]\n")
			_, err := Load(path, noEnv)
			if got := fileless(err, path); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// fileless is the text of an error with FILE for the path.
func fileless(err error, path string) string {
	return strings.ReplaceAll(fmt.Sprint(err), path, "FILE")
}
