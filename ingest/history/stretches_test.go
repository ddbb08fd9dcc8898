package history

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"telltale/devices"
)

// minuteArchive has a report of each device at every minute of a span.
type minuteArchive struct {
	from, to time.Time
	devices  []devices.ID
	broken   error
	walks    int
}

func (a *minuteArchive) Walk(_ context.Context, id devices.ID, from, to time.Time, f func([]devices.Report) error) error {
	a.walks++
	if a.broken != nil {
		return a.broken
	}
	run := make([]devices.Report, 0, 7)
	readings := make([]devices.Reading, 7) // used again, as the contract allows
	for at := a.from; at.Before(a.to); at = at.Add(time.Minute) {
		if at.Before(from) || !at.Before(to) {
			continue
		}
		for _, d := range a.devices {
			if id != "" && id != d {
				continue
			}
			i := len(run)
			readings[i] = devices.Reading{Metric: "t", Value: devices.Number(at.Sub(a.from).Minutes())}
			run = append(run, devices.Report{Device: d, ObservedAt: at, Readings: readings[i : i+1]})
			if len(run) == cap(run) {
				if err := f(run); err != nil {
					return err
				}
				run = run[:0]
			}
		}
	}
	if len(run) == 0 {
		return nil
	}
	return f(run)
}

func (a *minuteArchive) Count(context.Context, devices.ID, time.Time, time.Time) (int64, error) {
	return 0, nil
}

func TestStretchesHoldEverythingOnceInOrder(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	a := &minuteArchive{from: from.Add(10 * 24 * time.Hour), to: from.Add(12 * 24 * time.Hour), devices: []devices.ID{"a", "b", "c"}}
	seen := make(map[string]int)
	var last time.Time
	for reports, err := range Stretches(t.Context(), a, []devices.ID{"a", "c"}, from, from.Add(30*24*time.Hour)) {
		if err != nil {
			t.Fatal(err)
		}
		latest := last
		for _, r := range reports {
			if r.ObservedAt.Before(last) {
				t.Fatalf("%s comes after %s", r.ObservedAt, last)
			}
			if want := r.ObservedAt.Sub(a.from).Minutes(); r.Readings[0].Value.Number != want {
				t.Fatalf("the reading of minute %v is %v: it was written over", want, r.Readings[0].Value)
			}
			if r.ObservedAt.After(latest) {
				latest = r.ObservedAt
			}
			seen[fmt.Sprint(r.Device, r.ObservedAt)]++
		}
		last = latest.Add(time.Nanosecond)
	}
	if len(seen) != 2*2*24*60 {
		t.Errorf("%d reports, want two days of two devices", len(seen))
	}
	for name, n := range seen {
		if n != 1 {
			t.Errorf("%s came %d times", name, n)
		}
	}
	if a.walks > 12 {
		t.Errorf("%d walks for a month with little in it", a.walks)
	}
}

func TestStretchesFollowTheDensity(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		length   time.Duration
		readings int
		want     time.Duration
	}{
		{time.Hour, 0, 8 * time.Hour},
		{time.Hour, stretchReadings / 4, 4 * time.Hour},
		{time.Hour, 2 * stretchReadings, 30 * time.Minute},
		{time.Minute, 100 * stretchReadings, time.Minute},
		{300 * 24 * time.Hour, 0, mostStretch},
	} {
		if got := nextLength(c.length, c.readings); got != c.want {
			t.Errorf("after %s with %d readings: %s, want %s", c.length, c.readings, got, c.want)
		}
	}
}

func TestAnArchiveThatFailsEndsTheStretches(t *testing.T) {
	t.Parallel()
	a := &minuteArchive{broken: errors.New("disk gone")}
	n := 0
	for _, err := range Stretches(t.Context(), a, nil, time.Unix(0, 0), time.Unix(1e6, 0)) {
		if n++; !errors.Is(err, a.broken) {
			t.Errorf("error %v", err)
		}
	}
	if n != 1 {
		t.Errorf("%d items", n)
	}
}
