package rules

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// day is what "1d" means: no daylight saving, no time zone.
const day = 24 * time.Hour

// maxSpan bounds every duration in a rule, so that sums of times cannot
// overflow.
const maxSpan = 10 * 366 * day

// ParseDuration reads a duration as people write it in rules and scripts:
// "90s", "10m", "1h30m", "2d", "1d12h". It must be zero or more and below ten
// years.
func ParseDuration(text string) (time.Duration, error) {
	var span time.Duration
	rest := text
	if days, after, found := strings.Cut(text, "d"); found {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, notDuration(text)
		}
		span, rest = time.Duration(n)*day, after
	}
	if rest != "" || text == "" {
		clock, err := time.ParseDuration(rest)
		if err != nil || clock < 0 || clock > maxSpan {
			return 0, notDuration(text)
		}
		span += clock
	}
	if span > maxSpan {
		return 0, fmt.Errorf("%q is longer than ten years", text)
	}
	return span, nil
}

func notDuration(text string) error {
	return fmt.Errorf("%q is not a duration such as 90s, 10m, 36h or 7d", text)
}

// parseSpan reads a duration that must be above zero.
func parseSpan(text string) (time.Duration, error) {
	span, err := ParseDuration(text)
	if err == nil && span == 0 {
		err = fmt.Errorf("the duration must be above zero")
	}
	return span, err
}

// formatSpan prints a duration without empty units: 10m, 1h30m, 36h.
func formatSpan(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
