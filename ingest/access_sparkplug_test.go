package ingest

import (
	"testing"

	"telltale/devices"
)

func TestAccessOfAnEdgeNode(t *testing.T) {
	t.Parallel()
	a := Access{Device: "Plant/Line:201"}
	for _, c := range []struct {
		topic         string
		publish, read bool
	}{
		{"spBv1.0/Plant/NBIRTH/Line 1", true, false},
		{"spBv1.0/Plant/NDEATH/Line 1", true, false},
		{"spBv1.0/Plant/DDATA/Line 1/oven", true, false},
		{"spBv1.0/Plant/NCMD/Line 1", false, true},
		{"spBv1.0/Plant/NCMD/Line 1/#", false, true},
		{"spBv1.0/Plant/DCMD/Line 1/+", false, true},
		{"spBv1.0/STATE/host-1", false, true},
		{"spBv1.0/STATE/#", false, true},
		{"spBv1.0/Plant/NDATA/Line 2", false, false},
		{"spBv1.0/Plant/NDATA/Line:201", false, false},
		{"spBv1.0/Other/NDATA/Line 1", false, false},
		{"spBv1.0/Plant/NCMD/Line 2", false, false},
		{"spBv1.0/Plant/NCMD/+", false, false},
		{"spBv1.0/+/NCMD/Line 1", false, false},
		{"spBv1.0/Plant/NCMD/#", false, false},
		{"spBv1.0/Plant/+/Line 1", false, false},
		{"spBv1.0/#", false, false},
		{"telltale/Plant/Line:201/telemetry", true, false},
		{"telltale/Plant/telemetry", false, false},
	} {
		if got := a.MayPublish(c.topic); got != c.publish {
			t.Errorf("may publish to %q: %v, want %v", c.topic, got, c.publish)
		}
		if got := a.MayRead(c.topic); got != c.read {
			t.Errorf("may read %q: %v, want %v", c.topic, got, c.read)
		}
	}
}

func TestADeviceIsNoEdgeNodeNorAnothersMaster(t *testing.T) {
	t.Parallel()
	for id, topic := range map[string]string{
		"Plant":             "spBv1.0/Plant/NDATA/Line 1",
		"Plant/Line:201/ov": "spBv1.0/Plant/DDATA/Line 1/ov",
		"a":                 "telltale/a/b/command", // a command to the device a/b
	} {
		if (Access{Device: devices.ID(id)}).MayPublish(topic) {
			t.Errorf("%s may publish to %s", id, topic)
		}
	}
	for _, id := range []string{"Plant/:2B", ":2B/Line:201", "Plant"} {
		for _, filter := range []string{"spBv1.0/Plant/NCMD/+", "spBv1.0/+/NCMD/Line 1"} {
			if (Access{Device: devices.ID(id)}).MayRead(filter) {
				t.Errorf("%s may read %s", id, filter)
			}
		}
	}
}
