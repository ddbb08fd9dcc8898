package codec

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestTheUnitOfAUnixTimeIsToldByItsMagnitude(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		n    int64
		want string
	}{
		{"a clock that starts at zero", 0, "1970-01-01T00:00:00Z"},
		{"seconds", 1763780000, "2025-11-22T02:53:20Z"},
		{"milliseconds", 1763780000123, "2025-11-22T02:53:20.123Z"},
		{"microseconds", 1763780000123456, "2025-11-22T02:53:20.123456Z"},
		{"nanoseconds", 1763780000123456789, "2025-11-22T02:53:20.123456789Z"},
		{"the last second", 99999999999, "5138-11-16T09:46:39Z"},
		{"the first millisecond", 100000000000, "1973-03-03T09:46:40Z"},
		{"the last millisecond", 99999999999999, "5138-11-16T09:46:39.999Z"},
		{"the first microsecond", 100000000000000, "1973-03-03T09:46:40Z"},
		{"the last microsecond", 99999999999999999, "5138-11-16T09:46:39.999999Z"},
		{"the first nanosecond", 100000000000000000, "1973-03-03T09:46:40Z"},
		{"the greatest number", math.MaxInt64, "2262-04-11T23:47:16.854775807Z"},
		{"the least number", math.MinInt64, "1677-09-21T00:12:43.145224192Z"},
		{"before 1970", -1, "1969-12-31T23:59:59Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := Instant(c.n).Format(time.RFC3339Nano); got != c.want {
				t.Errorf("%d is %s, want %s", c.n, got, c.want)
			}
		})
	}
}

// TestAnInstantIsTheSameInEachUnit draws instants of the years in which the
// four units cannot be confused and writes them in each.
func TestAnInstantIsTheSameInEachUnit(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 11))
	first := time.Date(1973, 3, 3, 9, 46, 40, 0, time.UTC).Unix()
	last := time.Date(2262, 4, 11, 0, 0, 0, 0, time.UTC).Unix()
	for range 100_000 {
		want := time.Unix(first+random.Int64N(last-first), random.Int64N(1e9)).UTC()
		for n, unit := range map[int64]time.Duration{
			want.Unix(): time.Second, want.UnixMilli(): time.Millisecond,
			want.UnixMicro(): time.Microsecond, want.UnixNano(): time.Nanosecond,
		} {
			if got := Instant(n); !got.Equal(want.Truncate(unit)) {
				t.Fatalf("%d is %v, want %v", n, got, want.Truncate(unit))
			}
		}
		seconds := float64(want.UnixMicro()) / 1e6
		if off := InstantOf(seconds).Sub(want).Abs(); off > 2*time.Microsecond {
			t.Fatalf("%f is off %v by %v", seconds, want, off)
		}
	}
}

func TestInstantsAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		unit time.Duration
		want string // "" is no number
	}{
		{"1763780000", 0, "2025-11-22T02:53:20Z"},
		{"1763780000.25", 0, "2025-11-22T02:53:20.25Z"},
		{"1763780000123.456", 0, "2025-11-22T02:53:20.123456Z"},
		{"1.763780000123e12", 0, "2025-11-22T02:53:20.123Z"},
		{"1763780000", time.Millisecond, "1970-01-21T09:56:20Z"},
		{"1763780000123", time.Second, "33658-09-27T01:46:40Z"},
		{"1e999", 0, "33658-09-27T01:46:40Z"},
		{"-1e999", 0, "-29719-04-05T22:13:20Z"},
		{"9223372036854775807", time.Second, "33658-09-27T01:46:40Z"},
		{"NaN", 0, ""},
		{"", 0, ""},
		{"noon", time.Second, ""},
	} {
		t.Run(c.text, func(t *testing.T) {
			t.Parallel()
			got, ok := instantOfText([]byte(c.text), c.unit)
			if ok != (c.want != "") || ok && got.Format(time.RFC3339Nano) != c.want {
				t.Errorf("%q is %s, %v; want %s", c.text, got.Format(time.RFC3339Nano), ok, c.want)
			}
		})
	}
}
