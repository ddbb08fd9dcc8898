package history

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
)

func TestEveryPartitionReachesTheStoreInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Partitions: 3})
		for seq := uint64(1); seq <= 30; seq++ {
			w.append(int(seq)%3, seq, report(devices.ID(fmt.Sprintf("device-%d", seq%3)), 1))
		}
		w.run()
		synctest.Wait()
		time.Sleep(defaultMaxWait)
		synctest.Wait()

		want := map[int]uint64{0: 30, 1: 28, 2: 29}
		if diff := cmp.Diff(want, w.positions); diff != "" {
			t.Errorf("positions (-want +got):\n%s", diff)
		}
		w.checkStored(t)
		if len(w.writes) != 1 || len(w.writes[0]) != 3 {
			t.Errorf("%d writes, want one of three chunks: all partitions share a transaction", len(w.writes))
		}
	})
}

func TestABatchEndsWhenItIsFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Partitions: 1, MaxReadings: 100})
		for seq := uint64(1); seq <= 25; seq++ {
			w.append(0, seq, report("device", 20))
		}
		began := time.Now()
		w.run()
		synctest.Wait()

		if waited := time.Since(began); waited != 0 {
			t.Errorf("full batches waited %s", waited)
		}
		if len(w.writes) != 5 {
			t.Errorf("%d writes, want 5 of 100 readings", len(w.writes))
		}
		w.checkStored(t)
	})
}

func TestReportsWithoutReadingsFillABatchToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Partitions: 1, MaxReadings: 10})
		for seq := uint64(1); seq <= 10; seq++ {
			w.append(0, seq, report("device", 0))
		}
		w.run()
		synctest.Wait()
		if len(w.writes) != 1 {
			t.Errorf("%d writes, want 1: a status costs the store a row as well", len(w.writes))
		}
	})
}

func TestAMessageWithoutReportsMovesThePosition(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Partitions: 1})
		w.append(0, 7)
		w.run()
		time.Sleep(defaultMaxWait)
		synctest.Wait()
		if w.positions[0] != 7 {
			t.Errorf("position %d, want 7: the log could never be trimmed", w.positions[0])
		}
	})
}

func TestWhileTheStoreIsAwayNothingIsReadAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Partitions: 2, MaxReadings: 10})
		for seq := uint64(1); seq <= 1000; seq++ {
			w.append(int(seq)%2, seq, report(devices.ID(fmt.Sprintf("device-%d", seq%2)), 1))
		}
		w.away = errors.New("connection refused")
		w.run()
		time.Sleep(time.Hour)
		synctest.Wait()

		// One batch in the writer's hands, one gathered, one message at each
		// follower.
		if w.read > 10+10+2 {
			t.Errorf("%d messages were read while nothing could be written, want at most 22", w.read)
		}
		// 50 ms doubling up to 5 s: 8 tries in the first 10 s, then one every 5 s.
		if w.tries < 700 || w.tries > 730 {
			t.Errorf("%d tries in an hour", w.tries)
		}
		if len(w.writes) != 0 {
			t.Fatalf("%d writes succeeded", len(w.writes))
		}

		w.set(func() { w.away = nil })
		time.Sleep(lastRetry + time.Second)
		synctest.Wait()
		if diff := cmp.Diff(map[int]uint64{0: 1000, 1: 999}, w.positions); diff != "" {
			t.Errorf("positions after the store is back (-want +got):\n%s", diff)
		}
		w.checkStored(t)
	})
}

func TestAStoreThatAsksForTimeIsGivenIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Partitions: 1})
		w.append(0, 1, report("device", 1))
		w.away = &LaterError{After: time.Minute, Err: errors.New("too many requests")}
		w.run()
		time.Sleep(10*time.Minute + time.Second)
		synctest.Wait()
		if w.tries != 11 {
			t.Errorf("%d tries in ten minutes, want the first and one a minute", w.tries)
		}
	})
}

func TestAPartitionThatAnotherWriterTookHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Partitions: 2})
		w.append(0, 1, report("device-0", 1))
		w.append(1, 2, report("device-1", 1))
		w.run()
		synctest.Wait() // both are gathered
		w.set(func() { w.epochs[1], w.held[1] = w.epochs[1]+1, true })
		time.Sleep(defaultMaxWait)
		synctest.Wait()
		if diff := cmp.Diff(map[int]uint64{0: 1}, w.positions); diff != "" {
			t.Errorf("positions (-want +got):\n%s", diff)
		}

		// The other writer did its part and went; ours goes on behind it.
		w.set(func() { w.positions[1], w.held[1] = 2, false })
		w.append(1, 3, report("device-1", 1))
		time.Sleep(leaseRetry + defaultMaxWait)
		synctest.Wait()
		if diff := cmp.Diff(map[int]uint64{0: 1, 1: 3}, w.positions); diff != "" {
			t.Errorf("positions after it was free again (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]uint64{3}, w.stored["device-1"]); diff != "" {
			t.Errorf("what this writer stored of the partition (-want +got):\n%s", diff)
		}
	})
}

func TestAReaderThatFailsIsOpenedAgainWhereTheStoreIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Partitions: 1})
		for seq := uint64(1); seq <= 10; seq++ {
			w.append(0, seq, report("device", 1))
		}
		w.failAt = 6
		w.run()
		time.Sleep(leaseRetry + 2*defaultMaxWait)
		synctest.Wait()
		if w.positions[0] != 10 {
			t.Errorf("position %d, want 10", w.positions[0])
		}
		w.checkStored(t)
	})
}

func TestAWriterThatEndsGivesItsLeasesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Partitions: 4})
		stop := w.run()
		time.Sleep(3 * leaseTTL)
		synctest.Wait()
		if w.renewals < 4*8 {
			t.Errorf("%d renewals of 4 leases in %s", w.renewals, 3*leaseTTL)
		}
		stop()
		if len(w.held) != 0 {
			t.Errorf("leases still held: %v", w.held)
		}
	})
}

func TestAWriterNeedsANameAndPartitions(t *testing.T) {
	t.Parallel()
	_, err := NewWriter(nil, nil, nil, Options{MaxWait: -1})
	want := "history writer: node name: not given\npartitions: must be at least 1\nlimits of a batch: must not be negative"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestALaterLeaseReplacesWhatWasGatheredUnderTheEarlier(t *testing.T) {
	t.Parallel()
	var b batch
	b.add(Chunk{Partition: 1, Epoch: 1, Seq: 5, Reports: []devices.Report{report("a", 3), report("a", 3)}})
	b.add(Chunk{Partition: 1, Epoch: 2, Seq: 4, Reports: []devices.Report{report("a", 2)}})
	b.add(Chunk{Partition: 1, Epoch: 1, Seq: 6, Reports: []devices.Report{report("a", 3)}})
	want := []Chunk{{Partition: 1, Epoch: 2, Seq: 4, Reports: []devices.Report{report("a", 2)}}}
	if diff := cmp.Diff(want, b.chunks); diff != "" || b.readings != 2 {
		t.Errorf("%d readings, chunks (-want +got):\n%s", b.readings, diff)
	}
}

// What one batch held must not be in the next, which uses its memory.
func TestABatchIsFilledAgain(t *testing.T) {
	t.Parallel()
	var b batch
	b.add(Chunk{Partition: 1, Epoch: 1, Seq: 5, Reports: []devices.Report{report("a", 3), report("b", 3)}})
	b.add(Chunk{Partition: 2, Epoch: 1, Seq: 6, Reports: []devices.Report{report("c", 1)}})
	first := b.chunks[0].Reports
	b.empty()
	if len(b.chunks) != 0 || b.readings != 0 || first[1].Device != "" {
		t.Errorf("after empty: %d chunks, %d readings, %+v still held", len(b.chunks), b.readings, first[1])
	}
	b.add(Chunk{Partition: 2, Epoch: 3, Seq: 9, Reports: []devices.Report{report("d", 2)}})
	want := []Chunk{{Partition: 2, Epoch: 3, Seq: 9, Reports: []devices.Report{report("d", 2)}}}
	if diff := cmp.Diff(want, b.chunks); diff != "" || b.readings != 2 {
		t.Errorf("%d readings, chunks (-want +got):\n%s", b.readings, diff)
	}
	if &b.chunks[0].Reports[0] != &first[0] {
		t.Error("memory was not used again")
	}
}

func TestABatchGivesBackWhatAStormNeeded(t *testing.T) {
	t.Parallel()
	var b batch
	b.add(Chunk{Partition: 1, Epoch: 1, Seq: 1, Reports: make([]devices.Report, 10*spacious)})
	b.empty()
	b.add(Chunk{Partition: 1, Epoch: 1, Seq: 2, Reports: make([]devices.Report, 1)})
	b.empty()
	b.add(Chunk{Partition: 1, Epoch: 1, Seq: 3, Reports: make([]devices.Report, 1)})
	if got := cap(b.chunks[0].Reports); got > spacious {
		t.Errorf("room for %d reports is kept for 1", got)
	}
}

// world is a log, a store and leases in memory. In a synctest bubble its
// fields may be read after Wait.
type world struct {
	t     *testing.T
	opts  Options
	store Store // the world itself if no other is set

	mu       sync.Mutex
	appended *sync.Cond
	log      map[int][]entry
	failAt   uint64 // reading this sequence fails once
	read     int

	away      error
	takes     time.Duration // a write
	tries     int
	writes    [][]Chunk
	stored    map[devices.ID][]uint64 // sequences, as the reports carry them
	positions map[int]uint64

	epochs   map[int]int64
	held     map[int]bool
	renewals int
}

type entry struct {
	seq     uint64
	reports []devices.Report
}

func newWorld(t *testing.T, opts Options) *world {
	opts.Node = "node"
	w := &world{
		t: t, opts: opts,
		log: make(map[int][]entry), stored: make(map[devices.ID][]uint64), positions: make(map[int]uint64),
		epochs: make(map[int]int64), held: make(map[int]bool),
	}
	w.appended = sync.NewCond(&w.mu)
	w.store = w
	return w
}

// run starts a writer, which ends with the test or by the function returned.
func (w *world) run() (stop func()) {
	writer, err := NewWriter(w.store, w, w, w.opts)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		if err := writer.Run(ctx); err != nil {
			w.t.Errorf("run: %v", err)
		}
	})
	stop = sync.OnceFunc(func() {
		cancel()
		done.Wait()
	})
	w.t.Cleanup(stop)
	return stop
}

func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// append adds a message to the log; its reports carry its sequence.
func (w *world) append(partition int, seq uint64, reports ...devices.Report) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range reports {
		reports[i].Seq = seq
	}
	w.log[partition] = append(w.log[partition], entry{seq, reports})
	w.appended.Broadcast()
}

// checkStored compares the store with the log: everything once, in order.
func (w *world) checkStored(t *testing.T) {
	t.Helper()
	want := make(map[devices.ID][]uint64)
	for _, entries := range w.log {
		for _, e := range entries {
			for _, r := range e.reports {
				want[r.Device] = append(want[r.Device], r.Seq)
			}
		}
	}
	if diff := cmp.Diff(want, w.stored); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func (w *world) Position(_ context.Context, partition int) (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.positions[partition], nil
}

func (w *world) Write(_ context.Context, chunks []Chunk) (Written, error) {
	time.Sleep(w.takes)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tries++
	if w.away != nil {
		return Written{}, w.away
	}
	var fenced FencedError
	for _, c := range chunks {
		if c.Epoch != w.epochs[c.Partition] {
			fenced.Partitions = append(fenced.Partitions, c.Partition)
		}
	}
	if len(fenced.Partitions) > 0 {
		return Written{}, fmt.Errorf("write: %w", &fenced)
	}
	for _, c := range chunks {
		w.positions[c.Partition] = c.Seq
		for _, r := range c.Reports {
			w.stored[r.Device] = append(w.stored[r.Device], r.Seq)
		}
	}
	w.writes = append(w.writes, chunks)
	return Written{}, nil
}

func (w *world) AcquireLease(_ context.Context, _ string, partition int, _ string, _ time.Duration) (int64, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held[partition] {
		return 0, false, nil
	}
	w.held[partition] = true
	w.epochs[partition]++
	return w.epochs[partition], true, nil
}

func (w *world) RenewLease(_ context.Context, _ string, partition int, epoch int64, _ time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.renewals++
	if w.epochs[partition] != epoch {
		return errors.New("lease lost")
	}
	return nil
}

func (w *world) ReleaseLease(_ context.Context, _ string, partition int, epoch int64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.epochs[partition] == epoch {
		delete(w.held, partition)
	}
	return nil
}

func (w *world) Read(_ context.Context, partition int, after uint64) (Reader, error) {
	return &reader{world: w, partition: partition, after: after}, nil
}

type reader struct {
	world     *world
	partition int
	after     uint64
}

func (r *reader) Next(ctx context.Context) (uint64, []devices.Report, error) {
	w := r.world
	defer context.AfterFunc(ctx, func() { w.set(w.appended.Broadcast) })()
	w.mu.Lock()
	defer w.mu.Unlock()
	for ctx.Err() == nil {
		for _, e := range w.log[r.partition] {
			if e.seq <= r.after {
				continue
			}
			if e.seq == w.failAt {
				w.failAt = 0
				return 0, nil, errors.New("connection lost")
			}
			r.after = e.seq
			w.read++
			return e.seq, e.reports, nil
		}
		w.appended.Wait()
	}
	return 0, nil, ctx.Err()
}

func (r *reader) Close() {}

// report is a report with so many readings.
func report(device devices.ID, readings int) devices.Report {
	return devices.Report{Device: device, Readings: make([]devices.Reading, readings)}
}
