package backtest

import (
	"math"
	"testing"
	"time"

	"telltale/devices"
)

func TestATapeIsInTheOrderOfTimeThenDevice(t *testing.T) {
	t.Parallel()
	minute := func(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }
	all := []Reading{
		{"b", "temperature", minute(1), devices.Number(1)},
		{"a", "temperature", minute(1), devices.Number(2)},
		{"b", "door", minute(1), devices.Number(3)},
		{"b", "temperature", minute(0), devices.Number(4)},
		{"b", "temperature", minute(1), devices.Number(5)}, // once more: stays behind the first
	}
	tape, err := gather(t.Context(), Input{}, each(all))
	if err != nil {
		t.Fatal(err)
	}
	var got []float64
	for i := range tape.points {
		got = append(got, tape.points[i].value.Number)
	}
	want := []float64{4, 2, 1, 3, 5}
	for i := range want {
		if len(got) != len(want) || got[i] != want[i] {
			t.Fatalf("order %v, want %v", got, want)
		}
	}
	if seen := tape.measured(); len(seen) != 2 || len(seen["b"]) != 2 || len(seen["a"]) != 1 {
		t.Errorf("measured %v", seen)
	}
}

func TestATapeHoldsMoreThanOneBlock(t *testing.T) {
	t.Parallel()
	all := make([]Reading, 2*tapeBlock+5)
	for i := range all {
		all[i] = Reading{"a", "temperature", start.Add(time.Duration(i) * time.Second), devices.Number(float64(i))}
	}
	tape, err := gather(t.Context(), Input{From: all[1].At, To: all[len(all)-1].At}, each(all))
	if err != nil {
		t.Fatal(err)
	}
	if len(tape.points) != len(all)-2 {
		t.Fatalf("%d readings, want %d", len(tape.points), len(all)-2)
	}
	for i := range tape.points {
		if p := &tape.points[i]; p.value.Number != float64(i+1) || !p.time().Equal(all[i+1].At) {
			t.Fatalf("reading %d is %v at %v", i, p.value, p.time())
		}
	}
}

func TestATimeTooFarAwayKeepsItsPlace(t *testing.T) {
	t.Parallel()
	for at, want := range map[time.Time]int64{
		{}: math.MinInt64,
		time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC): math.MaxInt64,
		start: start.UnixNano(),
	} {
		if got := nanosOf(at); got != want {
			t.Errorf("%v is %d, want %d", at, got, want)
		}
	}
}
