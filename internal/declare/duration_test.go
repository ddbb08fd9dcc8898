package declare_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"telltale/internal/declare"
)

func TestDurations(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"0s": 0, "90s": 90 * time.Second, "10m": 10 * time.Minute, "36h": 36 * time.Hour, "7d": 7 * 24 * time.Hour,
		"1h30m": 90 * time.Minute, "250ms": 250 * time.Millisecond, "2d12h": 60 * time.Hour,
	} {
		if got, err := declare.ParseDuration(text); err != nil || got != want {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "10", "m", "1.5h", "-1m", "+1m", "10 m", "10min", "1m1h", "1m2m", "1w", "9999999999999999999s",
		"106752d", "106751d24h", "１m",
	} {
		if got, err := declare.ParseDuration(text); err == nil {
			t.Errorf("%q is accepted as %s", text, got)
		}
	}
}

func TestDurationsAreWrittenAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0s", 90 * time.Second: "1m30s", 24 * time.Hour: "24h", 36 * time.Hour: "36h", 48 * time.Hour: "2d",
		61 * time.Hour: "2d13h", 250 * time.Millisecond: "250ms",
	} {
		if got := declare.FormatDuration(d); got != want {
			t.Errorf("%d is written %s, want %s", d, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, 1<<62/int64(time.Millisecond)).Draw(t, "ms")) * time.Millisecond
		if got, err := declare.ParseDuration(declare.FormatDuration(d)); err != nil || got != d {
			t.Errorf("%s reads back as %s, %v", declare.FormatDuration(d), got, err)
		}
	})
}
