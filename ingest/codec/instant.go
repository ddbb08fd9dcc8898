package codec

import (
	"math"
	"strconv"
	"time"
)

// Instant returns the time of a Unix time whose unit nobody has told: seconds,
// milliseconds, microseconds or nanoseconds, by its magnitude.
//
//	below 1e11  seconds       until the year 5138
//	below 1e14  milliseconds  from 1973-03-03
//	below 1e17  microseconds  from 1973-03-03
//	from there  nanoseconds   from 1973-03-03
//
// So each instant from 1973-03-03 to 2262 is told right in any of the four; a
// clock that has lost the time and says 1970 in milliseconds is read as
// seconds, and stays in a year that nobody believes or is at most three
// thousand years ahead. A negative number goes by its size.
func Instant(n int64) time.Time { return instantIn(n, unitOfInstant(n)) }

// InstantOf is [Instant] for a number with a fraction, to the microsecond,
// which is about what a float64 holds of today's time in seconds.
func InstantOf(f float64) time.Time { return instantOfIn(f, unitOfInstant(f)) }

// unitOfInstant returns what one of n stands for.
func unitOfInstant[N int64 | float64](n N) time.Duration {
	switch {
	case -1e11 < n && n < 1e11:
		return time.Second
	case -1e14 < n && n < 1e14:
		return time.Millisecond
	case -1e17 < n && n < 1e17:
		return time.Microsecond
	default:
		return time.Nanosecond
	}
}

// farthest bounds a time in seconds, 31,000 years: beyond what is believed,
// within what time.Time can hold as microseconds.
const farthest = 1e12

// instantIn returns the time of n units since 1970. Seconds that no time.Time
// can hold become its far ends, which the pipeline then finds impossible.
func instantIn(n int64, unit time.Duration) time.Time {
	switch unit {
	case time.Second:
		return time.Unix(max(-farthest, min(farthest, n)), 0).UTC()
	case time.Millisecond:
		return time.UnixMilli(n).UTC()
	case time.Microsecond:
		return time.UnixMicro(n).UTC()
	default:
		return time.Unix(0, n).UTC()
	}
}

// instantOfIn is instantIn for a number with a fraction.
func instantOfIn(f float64, unit time.Duration) time.Time {
	us := f * (float64(unit) / float64(time.Microsecond))
	const limit = farthest * 1e6
	return time.UnixMicro(int64(math.Round(max(-limit, min(limit, us))))).UTC()
}

// instantOfText returns the time of a number as it is written, in the unit;
// zero tells the unit by the magnitude. It is false when s is no number.
func instantOfText(s []byte, unit time.Duration) (time.Time, bool) {
	if n, err := strconv.ParseInt(string(s), 10, 64); err == nil {
		if unit == 0 {
			unit = unitOfInstant(n)
		}
		return instantIn(n, unit), true
	}
	f, err := strconv.ParseFloat(string(s), 64)
	if math.IsNaN(f) || err != nil && !math.IsInf(f, 0) {
		return time.Time{}, false
	}
	if unit == 0 {
		unit = unitOfInstant(f)
	}
	return instantOfIn(f, unit), true
}
