package simulator_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"telltale/simulator"
)

func TestTheClockRunsUntilItHasCaughtUp(t *testing.T) {
	t.Parallel()
	began := start.Add(4 * time.Hour)
	clock := simulator.Clock{Start: start, Began: began, Speed: 240}
	cases := []struct {
		name      string
		now, want time.Time
	}{
		{"it begins at the start", began, start},
		{"it runs 240 times as fast", began.Add(30 * time.Second), start.Add(2 * time.Hour)},
		{"it catches up after a minute and a bit", began.Add(61 * time.Second), began.Add(61 * time.Second)},
		{"it is the wall clock afterwards", began.Add(time.Hour), began.Add(time.Hour)},
		{"a wall clock that is set back does not take it before the start", began.Add(-time.Minute), start},
		{"it does not overflow in a thousand years", began.AddDate(200, 0, 0), began.AddDate(200, 0, 0)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := clock.At(c.now); !got.Equal(c.want) {
				t.Errorf("at %s it is %s, want %s", c.now, got, c.want)
			}
		})
	}
}

func TestTheClockIsNeverInTheFutureNorRunsBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		clock := simulator.Clock{
			Start: start.Add(time.Duration(rapid.Int64Range(-1e15, 1e15).Draw(t, "start"))),
			Began: start,
			Speed: rapid.Float64Range(1, 1e6).Draw(t, "speed"),
		}
		one := start.Add(time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "one")))
		two := one.Add(time.Duration(rapid.Int64Range(0, 1e12).Draw(t, "two")))
		if at := clock.At(one); at.After(one) || clock.At(two).Before(at) {
			t.Fatalf("%s becomes %s, %s becomes %s", one, at, two, clock.At(two))
		}
	})
}
