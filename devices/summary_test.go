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
		{
			"a device that is silent for long is offline",
			devices.Summary{LastSeen: now.Add(-11 * time.Minute), StaleAfter: 3 * time.Minute, OfflineAfter: 10 * time.Minute},
			devices.Offline,
		},
		{
			"nobody is late because the gateway was down",
			devices.Summary{
				LastSeen: now.Add(-time.Hour), StaleAfter: 3 * time.Minute, OfflineAfter: 10 * time.Minute,
				Listening: devices.Listening{Since: now.Add(-2 * time.Minute), Until: now},
			},
			devices.Online,
		},
		{
			"who does not come back after it is late in the end",
			devices.Summary{
				LastSeen: now.Add(-time.Hour), StaleAfter: 3 * time.Minute, OfflineAfter: 10 * time.Minute,
				Listening: devices.Listening{Since: now.Add(-4 * time.Minute), Until: now},
			},
			devices.Late,
		},
		{
			"nobody is late for what is not stored yet",
			devices.Summary{
				LastSeen: now.Add(-time.Hour), StaleAfter: 3 * time.Minute,
				Listening: devices.Listening{Since: now.Add(-5 * time.Hour), Until: now.Add(-58 * time.Minute)},
			},
			devices.Online,
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

func TestPresenceHasItsTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	ago := func(minutes int) time.Time { return now.Add(-time.Duration(minutes) * time.Minute) }
	quiet := devices.Summary{LastSeen: ago(20), StaleAfter: 3 * time.Minute, OfflineAfter: 10 * time.Minute}
	late := quiet
	late.LastSeen = ago(5)
	said := late
	said.Announced, said.SaidAt = devices.Offline, ago(4)
	again := quiet
	again.Listening = devices.Listening{Since: ago(15), Until: now}
	for _, c := range []struct {
		name    string
		summary devices.Summary
		state   devices.Presence
		since   time.Time
	}{
		{"late since its time was over", late, devices.Late, ago(2)},
		{"offline since its longer time was over", quiet, devices.Offline, ago(10)},
		{"offline since it said so", said, devices.Offline, ago(4)},
		{"after a break its time begins anew", again, devices.Offline, ago(5)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			state, since := c.summary.PresenceSince(now)
			if state != c.state || !since.Equal(c.since) {
				t.Errorf("%s since %s, want %s since %s", state, since, c.state, c.since)
			}
		})
	}
}
