package declare

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// units of a written duration, the longest first.
var units = [...]struct {
	name string
	size time.Duration
}{
	{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond},
}

// ParseDuration reads a duration such as "90s", "10m", "36h", "7d" or
// "1h30m": whole numbers with the units d, h, m, s and ms, each at most once
// and from the longest down. A day is 24 hours.
func ParseDuration(text string) (time.Duration, error) {
	if text == "" {
		return 0, errors.New("empty duration (write 90s, 10m, 36h or 7d)")
	}
	var sum time.Duration
	rest, smallest := text, -1
	for rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		letters := len(rest[digits:]) - len(strings.TrimLeft(rest[digits:], "abcdefghijklmnopqrstuvwxyz"))
		unit := unitIndex(rest[digits : digits+letters])
		if digits == 0 || unit < 0 || unit <= smallest {
			return 0, fmt.Errorf("%q is not a duration (write 90s, 10m, 36h or 7d)", text)
		}
		part, ok := times(rest[:digits], units[unit].size)
		if sum += part; !ok || sum < 0 {
			return 0, fmt.Errorf("%q is too long", text)
		}
		rest, smallest = rest[digits+letters:], unit
	}
	return sum, nil
}

func unitIndex(name string) int {
	for i, u := range units {
		if u.name == name {
			return i
		}
	}
	return -1
}

// times multiplies a decimal number with a unit; false when it overflows.
func times(digits string, unit time.Duration) (time.Duration, bool) {
	var n int64
	for _, c := range digits {
		if n > (math.MaxInt64-9)/10 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if n > math.MaxInt64/int64(unit) {
		return 0, false
	}
	return time.Duration(n) * unit, true
}

// FormatDuration writes a duration of zero or more, to the millisecond, so that
// [ParseDuration] reads it back: "1m30s", "36h". Two days and more are written
// in days: "7d".
func FormatDuration(d time.Duration) string {
	if d < time.Millisecond {
		return "0s"
	}
	var b strings.Builder
	for _, u := range units {
		if u.name == "d" && d < 48*time.Hour {
			continue
		}
		if n := d / u.size; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d -= n * u.size
		}
	}
	return b.String()
}
