package devices_test

import (
	"math"
	"testing"
	"time"

	"telltale/devices"
)

func TestSpansAreSaidInTheirTwoLargestUnits(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0:                                     "0 s",
		400 * time.Millisecond:                "0 s",
		59*time.Second + 600*time.Millisecond: "1 min",
		46*time.Minute + 13*time.Second:       "46 min 13 s",
		68 * time.Minute:                      "1 h 8 min",
		time.Hour + 3*time.Second:             "1 h",
		48*time.Hour + 30*time.Minute:         "2 d",
		50*time.Hour + 59*time.Minute:         "2 d 2 h",
		-90 * time.Minute:                     "-1 h 30 min",
		time.Duration(math.MaxInt64):          "106751 d 23 h",
		time.Duration(math.MinInt64) + 1:      "-106751 d 23 h",
	} {
		if got := devices.Span(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
