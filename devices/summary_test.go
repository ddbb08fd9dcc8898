package devices_test

import (
	"testing"
	"time"

	"telltale/devices"
)

func TestPresence(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	cases := []struct {
		name    string
		summary devices.Summary
		want    devices.Presence
	}{
		{"a device nobody has heard of is unknown", devices.Summary{StaleAfter: time.Minute}, devices.PresenceUnknown},
		{
			"a device that has just reported is online",
			devices.Summary{LastSeen: now.Add(-time.Minute), StaleAfter: 3 * time.Minute},
			devices.Online,
		},
		{
			"a device is late only after its model's time, not at it",
			devices.Summary{LastSeen: now.Add(-3 * time.Minute), StaleAfter: 3 * time.Minute},
			devices.Online,
		},
		{
			"a quiet device is late",
			devices.Summary{LastSeen: now.Add(-4 * time.Minute), StaleAfter: 3 * time.Minute},
			devices.Late,
		},
		{
			"a model without a rhythm makes nobody late",
			devices.Summary{LastSeen: now.Add(-48 * time.Hour)},
			devices.Online,
		},
		{
			"a device that said goodbye is offline, however lately",
			devices.Summary{LastSeen: now, Announced: devices.Offline, StaleAfter: 3 * time.Minute},
			devices.Offline,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := c.summary.Presence(now); got != c.want {
				t.Errorf("presence %s, want %s", got, c.want)
			}
		})
	}
}
