package devices_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"telltale/devices"
)

// heard is one message: after how long it was received, and how far its time
// lay before that.
type heard struct{ at, sample time.Duration }

func measure(d devices.Drift, messages ...heard) devices.Drift {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, m := range messages {
		d = d.Observe(m.sample, start.Add(m.at))
	}
	return d
}

// backlog is what a device stored while it was offline, oldest first: so many
// messages, every so often, each of so much later than the one before. The
// first is late by oldest, and none is less late than the last reading can be.
func backlog(oldest, every, step time.Duration, n int) []heard {
	var all []heard
	for i := range n {
		i := time.Duration(i)
		all = append(all, heard{i * every, max(oldest-i*(step-every), 0)})
	}
	return all
}

func later(by time.Duration, all []heard) []heard {
	for i := range all {
		all[i].at += by
	}
	return all
}

func TestAClockIsCorrectedWhenItIsSteadilyWrong(t *testing.T) {
	t.Parallel()
	const h, m, s = time.Hour, time.Minute, time.Second
	for _, c := range []struct {
		name     string
		messages []heard
		want     time.Duration
	}{
		{"one message says nothing yet", []heard{{0, h}}, 0},
		{"three at once say nothing yet", []heard{{0, h}, {s, h}, {2 * s, h}}, 0},
		{"an hour behind", []heard{{0, h + s}, {m, h + 2*s}, {2 * m, h + 3*s}}, h + s},
		{"an hour ahead", []heard{{0, -h + s}, {m, -h + 2*s}, {2 * m, -h}}, -h},
		{"1970", []heard{{0, 56 * 365 * 24 * h}, {m, 56 * 365 * 24 * h}, {2 * m, 56 * 365 * 24 * h}}, 56 * 365 * 24 * h},
		{"up to five seconds is no fault", []heard{{0, 5 * s}, {m, 5 * s}, {2 * m, 5 * s}}, 0},
		{"most are late: the clock is right all the same", []heard{{0, h}, {m, h}, {2 * m, s}, {3 * m, h}, {4 * m, h}}, 0},
		{"a jump ahead counts with the next message", []heard{{0, 0}, {m, 0}, {2 * m, 0}, {3 * m, -h}}, -h},
		{"a clock that was set right is right at once", []heard{{0, h}, {m, h}, {2 * m, h}, {3 * m, 0}}, 0},
		{"a clock that falls back is late at first", []heard{{0, 0}, {m, 0}, {2 * m, 0}, {3 * m, h}, {h, h}}, 0},
		{"also after two windows, while only one message says so", []heard{{0, 0}, {m, 0}, {2 * m, 0}, {3 * m, h}, {h, h}, {2 * h, h}}, 0},
		{"and behind when more agree", []heard{{0, 0}, {m, 0}, {2 * m, 0}, {h, h}, {2 * h, h}, {2*h + 30*s, h + s}, {2*h + m, h}}, h},
		{"a backlog, a minute's reading each second", append(backlog(12*h, s, m, 200), heard{200 * s, 0}), 0},
		{"a backlog that is worked off for longer than two windows", backlog(12*h, 20*s, m, 540), 0},
		{"a backlog of a device that reports often", backlog(12*h, s, 2*s, 10_000), 0},
		{"a backlog of a clock that is an hour ahead", append(backlog(6*h, s, m, 400), heard{401 * s, -h}, heard{430 * s, -h}, heard{470 * s, -h}), -h},
		{"a backlog after days of silence", append([]heard{{0, s}, {m, s}, {2 * m, s}}, later(48*h, backlog(48*h, 15*s, m, 600))...), 0},
		{"a wrong clock, and a backlog of it", append([]heard{{0, h}, {m, h}, {2 * m, h}}, later(13*h, backlog(14*h, 15*s, m, 800))...), h},
		{"a small change moves no report", []heard{{0, h}, {m, h}, {2 * m, h}, {3 * m, h - 5*s}}, h},
		{"a message from before the window is old", []heard{{h, h}, {h + m, h}, {h + 2*m, h}, {0, -h}}, h},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := measure(devices.Drift{}, c.messages...).Applied; got != c.want {
				t.Errorf("corrected by %s, want %s", got, c.want)
			}
		})
	}
}

// A clock that is off by any constant, heard with any delays of which some are
// short, is corrected to within the tolerance of the shortest, and never to
// after the receipt by more than the tolerance.
func TestAnyConstantOffsetIsFound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		offset := time.Duration(rapid.Int64Range(-int64(1000*time.Hour), int64(1000*time.Hour)).Draw(t, "offset"))
		short := time.Duration(rapid.Int64Range(0, int64(10*time.Hour)).Draw(t, "shortest delay"))
		delays := rapid.SliceOfN(rapid.Int64Range(0, int64(10*time.Hour)), 0, 50).Draw(t, "delays")
		for _, jitter := range rapid.SliceOfN(rapid.Int64Range(0, int64(2*time.Second)), 4, 4).Draw(t, "jitter") {
			i := rapid.IntRange(0, len(delays)).Draw(t, "where")
			delays = slices.Insert(delays, i, jitter)
		}
		var messages []heard
		for i, d := range delays {
			messages = append(messages, heard{time.Duration(i) * 40 * time.Second, offset + short + time.Duration(d)})
		}
		d := measure(devices.Drift{}, messages...)
		for what, got := range map[string]time.Duration{"corrected by": d.Applied, "said to be behind by": d.Behind()} {
			off := got - (offset + short)
			if got == 0 && off.Abs() <= 7*time.Second {
				continue
			}
			if off < -5*time.Second || off > 7*time.Second {
				t.Errorf("%s %s for an offset of %s, shortest delay %s", what, got, offset, short)
			}
		}
	})
}

// Whatever a device with a right clock hands over, in messages of any size, its
// clock is not said to be behind, nor corrected, as long as each message is
// less late than the one before by more than the time between them would
// explain, or in time.
func TestNoBacklogMakesAClockWrong(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var messages []heard
		at := time.Duration(0)
		for range rapid.IntRange(1, 4).Draw(t, "times offline") {
			late := time.Duration(rapid.Int64Range(0, int64(90*24*time.Hour)).Draw(t, "late"))
			every := time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(2*time.Minute)).Draw(t, "every"))
			for range rapid.IntRange(1, 100).Draw(t, "messages") {
				messages = append(messages, heard{at, late})
				at += every
				// A fifth more than it takes to hand them over.
				gain := time.Duration(rapid.Int64Range(int64(every/5), int64(2*every)).Draw(t, "gain"))
				late = max(late-gain, 0)
			}
			for range rapid.IntRange(0, 5).Draw(t, "in time") {
				messages = append(messages, heard{at, time.Duration(rapid.Int64Range(0, int64(3*time.Second)).Draw(t, "delay"))})
				at += time.Minute
			}
			at += time.Duration(rapid.Int64Range(0, int64(48*time.Hour)).Draw(t, "silence"))
		}
		d := devices.Drift{}
		for i, m := range messages {
			d = measure(d, m)
			if d.Behind() > 5*time.Second || d.Applied > 5*time.Second {
				t.Fatalf("message %d, %+v: behind by %s, corrected by %s", i, m, d.Behind(), d.Applied)
			}
		}
	})
}

func TestWhatIsSaidOfAClock(t *testing.T) {
	t.Parallel()
	const h, m = time.Hour, time.Minute
	for _, c := range []struct {
		name     string
		messages []heard
		want     time.Duration
	}{
		{"nothing was measured", nil, 0},
		{"one message is late, or its clock behind", []heard{{0, 12 * h}}, 0},
		{"a clock is ahead with the first message", []heard{{0, -h}}, -h},
		{"a clock that lost its time with the first message", []heard{{0, 56 * 365 * 24 * h}}, 56 * 365 * 24 * h},
		{"steadily behind", []heard{{0, h}, {m, h}, {2 * m, h}}, h},
		{"and set right", []heard{{0, h}, {m, h}, {2 * m, h}, {3 * m, 0}}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := measure(devices.Drift{}, c.messages...).Behind(); got != c.want {
				t.Errorf("behind by %s, want %s", got, c.want)
			}
		})
	}
}
