package config

import (
	"fmt"
	"slices"
	"time"
)

// Quarantine says how many refused messages are kept, and for how long. What
// goes is counted.
type Quarantine struct {
	Retain      Duration `yaml:"retain"`       // what came last before that goes. Default 90 days
	MaxMessages int64    `yaml:"max_messages"` // beyond it the oldest go. Default 1,000,000
	MaxBytes    int64    `yaml:"max_bytes"`    // of payloads. Default 1 GiB
}

const (
	defaultQuarantineRetain   = 90 * 24 * time.Hour
	defaultQuarantineMessages = 1_000_000
	defaultQuarantineBytes    = 1 << 30
)

func (q *Quarantine) setDefaults() {
	setDefault(&q.Retain, Duration(defaultQuarantineRetain))
	setDefault(&q.MaxMessages, defaultQuarantineMessages)
	setDefault(&q.MaxBytes, defaultQuarantineBytes)
}

// Clock says what becomes of the times that devices send. See docs/devices.md.
type Clock struct {
	// Policy is "trust" (default): taken as sent; "receipt": the newest report
	// of a message counts as made when it was received; "offset": corrected by
	// the offset measured for the device.
	Policy string `yaml:"policy"`

	// MaxAhead is how far a time may lie after its receipt. Default 10 minutes.
	MaxAhead Duration `yaml:"max_ahead"`

	// MaxBehind is how far a time may lie before its receipt. Default: any time
	// since 2000.
	MaxBehind Duration `yaml:"max_behind"`
}

const defaultMaxAhead = 10 * time.Minute

func (c *Clock) setDefaults() {
	setDefault(&c.Policy, "trust")
	setDefault(&c.MaxAhead, Duration(defaultMaxAhead))
}

// validateIdentity checks quarantine and clocks.
func (c *Config) validateIdentity(fault func(string, ...any)) {
	if c.Quarantine.Retain < 0 {
		fault("quarantine.retain: must be positive")
	}
	if c.Quarantine.MaxMessages < 1 {
		fault("quarantine.max_messages: %d is less than 1", c.Quarantine.MaxMessages)
	}
	if c.Quarantine.MaxBytes < 1<<20 {
		fault("quarantine.max_bytes: %d is less than 1 MiB", c.Quarantine.MaxBytes)
	}
	c.Clock.validate(fault, "clock")
	for i, s := range c.Sources {
		if s.Clock != nil {
			s.Clock.validate(fault, fmt.Sprintf("sources[%d].clock", i))
		}
	}
}

func (c *Clock) validate(fault func(string, ...any), path string) {
	if policies := []string{"trust", "receipt", "offset"}; !slices.Contains(policies, c.Policy) {
		fault("%s.policy: %q is none of trust, receipt, offset", path, c.Policy)
	}
	if c.MaxAhead < 0 {
		fault("%s.max_ahead: must be positive", path)
	}
	if c.MaxBehind < 0 {
		fault("%s.max_behind: must be positive", path)
	}
}
