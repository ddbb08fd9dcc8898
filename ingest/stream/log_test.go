package stream

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/sys/unix"

	"telltale/devices"
)

// openLog opens a log in dir that is closed at the end of the test.
func openLog(t testing.TB, opts Options) *Log {
	t.Helper()
	if opts.Log == nil {
		opts.Log = zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel))
	}
	l, err := Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func report(id string, n int) devices.Report {
	return devices.Report{
		Device: devices.ID(id), ObservedAt: noon.Add(time.Duration(n) * time.Second), ReceivedAt: noon, Seq: uint64(n),
		Readings: []devices.Reading{{Metric: "temperature", Value: devices.Number(float64(n))}},
	}
}

func appendReports(t testing.TB, l *Log, at time.Time, reports ...devices.Report) {
	t.Helper()
	if err := l.Append(t.Context(), at, reports, nil); err != nil {
		t.Fatal(err)
	}
}

func reader(t testing.TB, l *Log, partition int, after uint64) *Reader {
	t.Helper()
	r, err := l.Read(t.Context(), partition, after)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func next(t testing.TB, r *Reader) Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	m, err := r.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestReportsAreReadBackInOrderByPartition(t *testing.T) {
	t.Parallel()
	l := openLog(t, Options{Dir: t.TempDir(), Partitions: 4})

	want := make(map[int][]devices.Report)
	for round := range 20 {
		var reports []devices.Report
		for d := range 10 {
			r := report(fmt.Sprintf("fridge-%d", d), round)
			reports = append(reports, r)
			p := l.PartitionOf(r.Device)
			want[p] = append(want[p], r)
		}
		appendReports(t, l, noon.Add(time.Duration(round)*time.Second), reports...)
	}

	for p := range l.Partitions() {
		var got []devices.Report
		var last Message
		for r := reader(t, l, p, 0); len(got) < len(want[p]); {
			m := next(t, r)
			if m.Seq <= last.Seq || m.AppendedAt.Before(last.AppendedAt) {
				t.Fatalf("partition %d: sequence %d at %v after sequence %d at %v", p, m.Seq, m.AppendedAt, last.Seq, last.AppendedAt)
			}
			got, last = append(got, m.Reports...), m
		}
		if diff := cmp.Diff(want[p], got); diff != "" {
			t.Errorf("partition %d differs (-want +got):\n%s", p, diff)
		}
		if end, err := l.End(t.Context(), p); err != nil || end != last.Seq {
			t.Errorf("partition %d ends at %d (%v), want %d", p, end, err, last.Seq)
		}
	}
}

func TestReaderGoesOnAfterAPosition(t *testing.T) {
	t.Parallel()
	l := openLog(t, Options{Dir: t.TempDir(), Partitions: 1})
	for n := range 5 {
		appendReports(t, l, noon, report("fridge-1", n))
	}
	m := next(t, reader(t, l, 0, 3))
	if m.Seq != 4 || m.Reports[0].Seq != 3 {
		t.Errorf("after sequence 3 came %d with report %d, want 4 with 3", m.Seq, m.Reports[0].Seq)
	}
}

func TestReaderSaysWhetherMoreIsWaiting(t *testing.T) {
	t.Parallel()
	l := openLog(t, Options{Dir: t.TempDir(), Partitions: 1})
	for n := range 3 {
		appendReports(t, l, noon, report("fridge-1", n))
	}
	r := reader(t, l, 0, 0)
	var got []uint64
	for range 3 {
		next(t, r)
		got = append(got, r.Pending())
	}
	if diff := cmp.Diff([]uint64{2, 1, 0}, got); diff != "" {
		t.Errorf("pending differs (-want +got):\n%s", diff)
	}
}

func TestReaderWaitsForWhatComes(t *testing.T) {
	t.Parallel()
	l := openLog(t, Options{Dir: t.TempDir(), Partitions: 1})
	r := reader(t, l, 0, 0)
	got := make(chan Message)
	go func() { got <- next(t, r) }()
	appendReports(t, l, noon, report("fridge-1", 1))
	if m := <-got; m.Reports[0].Device != "fridge-1" {
		t.Errorf("got %v", m)
	}
}

func TestReaderEndsWithItsContext(t *testing.T) {
	t.Parallel()
	l := openLog(t, Options{Dir: t.TempDir(), Partitions: 1})

	t.Run("of the call", func(t *testing.T) {
		t.Parallel()
		r := reader(t, l, 0, 0)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := r.Next(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	})
	t.Run("of its life", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		r, err := l.Read(ctx, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := r.Next(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
	})
	t.Run("by Close while it waits", func(t *testing.T) {
		t.Parallel()
		r := reader(t, l, 0, 0)
		failed := make(chan error)
		go func() { _, err := r.Next(t.Context()); failed <- err }()
		r.Close()
		if err := <-failed; !errors.Is(err, ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
	})
}

func TestTicksCarryOnlyTheTime(t *testing.T) {
	t.Parallel()
	l := openLog(t, Options{Dir: t.TempDir(), Partitions: 2})
	if err := l.AppendTick(t.Context(), 1, noon); err != nil {
		t.Fatal(err)
	}
	m := next(t, reader(t, l, 1, 0))
	if !m.IsTick() || !m.AppendedAt.Equal(noon) {
		t.Errorf("got %+v, want a tick at %v", m, noon)
	}
	if err := l.AppendTick(t.Context(), 2, noon); err == nil {
		t.Error("a tick for partition 2 of 2 was taken")
	}
}

func TestAppendedAtNeverFalls(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := openLog(t, Options{Dir: dir, Partitions: 2})
	device := devices.ID("fridge-1")
	p := l.PartitionOf(device)
	appendReports(t, l, noon, report(string(device), 1))
	appendReports(t, l, noon.Add(-time.Hour), report(string(device), 2))
	l.Close()

	l = openLog(t, Options{Dir: dir})
	appendReports(t, l, noon.Add(-time.Hour), report(string(device), 3))
	if err := l.AppendTick(t.Context(), p, noon.Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := l.AppendTick(t.Context(), p, noon.Add(time.Second)); err != nil {
		t.Fatal(err)
	}

	var got []time.Time
	for r := reader(t, l, p, 0); len(got) < 5; {
		got = append(got, next(t, r).AppendedAt)
	}
	if diff := cmp.Diff([]time.Time{noon, noon, noon, noon, noon.Add(time.Second)}, got); diff != "" {
		t.Errorf("times differ (-want +got):\n%s", diff)
	}
}

func TestAClockThatIsSetBackIsSaidOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	core, lines := observer.New(zap.InfoLevel)
	open := func() *Log { return openLog(t, Options{Dir: dir, Partitions: 2, Log: zap.New(core)}) }
	l := open()
	tick := func(after time.Duration) {
		t.Helper()
		for p := range 2 {
			if err := l.AppendTick(t.Context(), p, noon.Add(after)); err != nil {
				t.Fatal(err)
			}
		}
	}
	said := func() (said []string) {
		for _, e := range lines.TakeAll() {
			if strings.Contains(e.Message, "clock") {
				said = append(said, e.Message)
			}
		}
		return said
	}
	const back, again = "clock was set back, timers wait until it has caught up with the log", "clock has caught up with the log, timers go on"
	tick(0)
	tick(-time.Second) // another order of appends
	if got := said(); len(got) != 0 {
		t.Errorf("of a clock that is right: %q", got)
	}
	tick(-time.Hour)
	tick(-59 * time.Minute)
	if diff := cmp.Diff([]string{back}, said()); diff != "" {
		t.Errorf("set back (-want +got):\n%s", diff)
	}
	l.Close()
	l = open() // it is still behind after a restart
	tick(-58 * time.Minute)
	tick(time.Second)
	tick(2 * time.Second)
	if diff := cmp.Diff([]string{back, again}, said()); diff != "" {
		t.Errorf("after a restart, and caught up (-want +got):\n%s", diff)
	}
}

func TestLargeAppendIsCutIntoMessages(t *testing.T) {
	t.Parallel()
	l := openLog(t, Options{Dir: t.TempDir(), Partitions: 1})
	var reports []devices.Report
	for n := range 300 {
		r := report("fridge-1", n)
		r.Faults = []string{strings.Repeat(string(rune('a'+n%26)), 8000) + fmt.Sprint(n)}
		reports = append(reports, r)
	}
	appendReports(t, l, noon, reports...)

	var got []devices.Report
	messages := 0
	for r := reader(t, l, 0, 0); len(got) < len(reports); messages++ {
		got = append(got, next(t, r).Reports...)
	}
	if diff := cmp.Diff(reports, got); diff != "" {
		t.Errorf("reports differ (-want +got):\n%s", diff)
	}
	if messages < 2 {
		t.Errorf("2.4 MB came in %d message", messages)
	}
}

func TestFullLogRefusesUntilItIsTrimmed(t *testing.T) {
	t.Parallel()
	l := openLog(t, Options{Dir: t.TempDir(), Partitions: 1, MaxBytes: minMaxBytes})
	big := report("fridge-1", 1)
	big.Faults = []string{strings.Repeat("x", 100_000)}

	stored := 0
	var err error
	for err == nil {
		if err = l.Append(t.Context(), noon, []devices.Report{big}, nil); err == nil {
			stored++
		}
	}
	if !errors.Is(err, ErrFull) {
		t.Fatalf("got %v, want ErrFull", err)
	}
	if stored < 30 {
		t.Errorf("full after %d messages of 100 kB in 4 MiB", stored)
	}

	end, err := l.End(t.Context(), 0)
	if err != nil || end != uint64(stored) {
		t.Fatalf("the log ends at %d (%v), want %d: nothing may be lost to make room", end, err, stored)
	}
	if err := l.Trim(t.Context(), 0, end); err != nil {
		t.Fatal(err)
	}
	appendReports(t, l, noon, big)
	if m := next(t, reader(t, l, 0, end)); m.Seq != end+1 {
		t.Errorf("after the trim came sequence %d, want %d", m.Seq, end+1)
	}
}

func TestPositionsTheLogCannotContinueFromAreRefused(t *testing.T) {
	t.Parallel()
	l := openLog(t, Options{Dir: t.TempDir(), Partitions: 1})
	for n := range 10 {
		appendReports(t, l, noon, report("fridge-1", n))
	}
	if err := l.Trim(t.Context(), 0, 6); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		after uint64
		want  error
	}{
		{"the beginning of what is kept", 0, nil},
		{"trimmed away", 5, ErrTrimmed},
		{"the message that the trim left", 6, nil},
		{"the end", 10, nil},
		{"beyond the end", 11, ErrAhead},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, err := l.Read(t.Context(), 0, c.after)
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if err == nil {
				r.Close()
			}
		})
	}
}

func TestQuarantineIsKeptApart(t *testing.T) {
	t.Parallel()
	l := openLog(t, Options{Dir: t.TempDir(), Partitions: 1})
	if err := l.Append(t.Context(), noon, []devices.Report{report("fridge-1", 1)}, [][]byte{[]byte("one"), []byte("two")}); err != nil {
		t.Fatal(err)
	}
	r, err := l.ReadQuarantine(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, want := range []string{"one", "two"} {
		got, err := r.Next(t.Context())
		if err != nil || string(got.Payload) != want {
			t.Errorf("got %q (%v), want %q", got.Payload, err, want)
		}
	}
	if m := next(t, reader(t, l, 0, 0)); len(m.Reports) != 1 {
		t.Errorf("partition holds %d reports, want 1", len(m.Reports))
	}
	if err := l.TrimQuarantine(t.Context(), r.Seq()); err != nil {
		t.Fatal(err)
	}
	if end, err := l.QuarantineEnd(t.Context()); err != nil || end != r.Seq() {
		t.Errorf("quarantine ends at %d (%v), want %d", end, err, r.Seq())
	}
}

func TestPartitionsAreFixedAtCreation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	openLog(t, Options{Dir: dir, Partitions: 8}).Close()

	_, err := Open(t.Context(), Options{Dir: dir, Partitions: 16})
	if want := "stream: number of partitions cannot change: the log has 8, the options say 16"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if l := openLog(t, Options{Dir: dir}); l.Partitions() != 8 {
		t.Errorf("opened without saying: %d partitions, want the 8 it has", l.Partitions())
	}
}

func TestPartitionOfADeviceNeverChanges(t *testing.T) {
	t.Parallel()
	for id, want := range map[devices.ID]int{"": 5, "a": 12, "fridge-17": 11, "foobar": 8} {
		if got := partitionOf(id, 16); got != want {
			t.Errorf("partition of %q is %d, was %d when logs were first written", id, got, want)
		}
	}
}

func TestFolderInUseIsRefused(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "stream")
	openLog(t, Options{Dir: dir})
	_, err := Open(t.Context(), Options{Dir: dir})
	if want := "stream folder " + dir + " is in use by another process"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAClosedFolderIsFreeThoughAChildIsBeingStarted(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "stream")
	l := openLog(t, Options{Dir: dir})
	childs, err := unix.Dup(int(l.embedded.lock.Fd())) // what a fork has until it is another program
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(childs) }()
	l.Close()
	openLog(t, Options{Dir: dir})
}

func TestWrongOptionsAreNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opts Options
		want string
	}{
		"neither folder nor URL": {Options{}, "stream options: either a folder or a URL must be given, not both"},
		"both":                   {Options{Dir: "d", URL: "nats://h"}, "stream options: either a folder or a URL must be given, not both"},
		"negative partitions":    {Options{Dir: "d", Partitions: -1}, "stream options: partitions must be 1 to 1024, not -1"},
		"tiny": {Options{Dir: "d", MaxBytes: 5, Replicas: 9},
			"stream options: max bytes must be at least 4194304, not 5\nreplicas must be 1 to 5, not 9"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := Open(t.Context(), c.opts); err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestClosedLogSaysSo(t *testing.T) {
	t.Parallel()
	l := openLog(t, Options{Dir: t.TempDir(), Partitions: 1})
	if err := l.Ready(); err != nil {
		t.Errorf("open log is not ready: %v", err)
	}
	l.Close()
	if err := l.Ready(); !errors.Is(err, ErrClosed) {
		t.Errorf("ready: got %v, want ErrClosed", err)
	}
	if err := l.Append(t.Context(), noon, []devices.Report{report("d", 1)}, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("append: got %v, want ErrClosed", err)
	}
	l.Close()
}
