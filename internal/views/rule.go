package views

import (
	"time"

	"telltale/rules"
)

// NoiseWeeks is how many weeks the noise of a rule is counted for.
const NoiseWeeks = 8

// RuleAlarms counts the alarms of one rule that were not withdrawn.
type RuleAlarms struct {
	Active     int64
	Total      int64
	LastRaised time.Time         // zero: never
	Weeks      [NoiseWeeks]int64 // raised in each span of seven days, the last of which ends now
}

// RuleNoise says what the alarms of one rule were like in the last
// [NoiseWeeks] weeks. What was withdrawn was no alarm and does not count.
type RuleNoise struct {
	Alarms       int64
	Fleeting     int64         // ended within [FleetingAlarm]
	Acknowledged int64         // somebody said to have seen them
	Ticketed     int64         // belong to a ticket
	Median       time.Duration // how long half of them lasted at the most
	Devices      int64         // that had one
	Loudest      []DeviceNoise // the devices with the most, those first
}

// FleetingAlarm is the length below which an alarm is over before anybody
// could have acted on it.
const FleetingAlarm = 10 * time.Minute

// DeviceNoise is how many alarms of a rule a device had.
type DeviceNoise struct {
	Device string
	Alarms int64
}

// RuleVersion is a rule as somebody declared it.
type RuleVersion struct {
	Version int
	Author  string
	At      time.Time
	Rule    *rules.Rule
}
