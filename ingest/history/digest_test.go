package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
)

// digester is a store that keeps chunks until it is flushed.
type digester struct {
	*world
	kept []Chunk
}

// flushes is how often it was flushed.
func (d *digester) flushes() (n int) {
	synctest.Wait()
	d.set(func() { n = len(d.writes) })
	return n
}

// digesting returns a world whose store is a digester.
func digesting(t *testing.T, opts Options) *digester {
	d := &digester{world: newWorld(t, opts)}
	d.store = d
	return d
}

func (d *digester) Write(_ context.Context, chunks []Chunk) (Written, error) {
	for _, c := range chunks {
		c.Reports = slices.Clone(c.Reports)
		d.kept = append(d.kept, c)
	}
	return Written{}, nil
}

func (d *digester) Flush(ctx context.Context) error {
	_, err := d.world.Write(ctx, d.kept)
	var fenced *FencedError
	if errors.As(err, &fenced) {
		d.kept = slices.DeleteFunc(d.kept, func(c Chunk) bool { return slices.Contains(fenced.Partitions, c.Partition) })
	}
	if err == nil {
		d.kept = nil
	}
	return err
}

func TestADigestIsStoredThoughNothingMoreComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := digesting(t, Options{Partitions: 1, FlushEvery: time.Minute})
		for seq := uint64(1); seq <= 30; seq++ {
			d.append(0, seq, report("device", 1))
		}
		d.run()
		time.Sleep(30 * time.Second)
		d.append(0, 31, report("device", 1))
		if n := d.flushes(); n != 0 {
			t.Errorf("stored %d times before its time", n)
		}
		time.Sleep(time.Minute)
		if n := d.flushes(); n != 1 {
			t.Errorf("stored %d times, want once", n)
		}
		time.Sleep(time.Hour)
		if n := d.flushes(); n != 1 {
			t.Errorf("stored %d times, want once: nothing more came", n)
		}
		if d.positions[0] != 31 {
			t.Errorf("position %d, want 31", d.positions[0])
		}
		d.checkStored(t)
	})
}

func TestADigestIsStoredSeldomWhereThatTakesLong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		takes time.Duration
		waits time.Duration // before the next
	}{
		{10 * time.Millisecond, time.Second},
		{300 * time.Millisecond, 3 * time.Second},
		{time.Minute, longestWait},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := digesting(t, Options{Partitions: 1, FlushEvery: time.Second, Duty: 0.1})
			d.takes = c.takes
			d.run()
			for seq := uint64(1); seq <= 6000; seq++ {
				d.append(0, seq, report("device", 1))
				time.Sleep(100 * time.Millisecond)
			}
			n, want := d.flushes(), int(10*time.Minute/(c.waits+c.takes))
			if n < want*8/10 || n > want*12/10+2 {
				t.Errorf("%d flushes in ten minutes that take %s each, want about %d", n, c.takes, want)
			}
		})
	}
}

func TestADigestWaitsForItsStoreAndNothingIsReadAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := digesting(t, Options{Partitions: 2, MaxReadings: 10})
		d.away = errors.New("connection refused")
		d.run()
		for seq := uint64(1); seq <= 1000; seq++ {
			d.append(int(seq)%2, seq, report(devices.ID(fmt.Sprintf("device-%d", seq%2)), 1))
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if d.read > 60 { // of a second, and what is under way
			t.Errorf("%d messages were read while nothing could be stored", d.read)
		}
		d.set(func() { d.away = nil })
		time.Sleep(time.Minute)
		synctest.Wait()
		if diff := cmp.Diff(map[int]uint64{0: 1000, 1: 999}, d.positions); diff != "" {
			t.Errorf("positions after the store is back (-want +got):\n%s", diff)
		}
		d.checkStored(t)
	})
}

func TestADigestOfAPartitionThatAnotherWriterTookIsDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := digesting(t, Options{Partitions: 2})
		d.append(0, 1, report("device-0", 1))
		d.append(1, 2, report("device-1", 1))
		d.run()
		time.Sleep(defaultMaxWait) // both are taken in
		synctest.Wait()
		d.set(func() { d.epochs[1], d.held[1] = d.epochs[1]+1, true })
		time.Sleep(defaultFlushEvery)
		synctest.Wait()
		if diff := cmp.Diff(map[int]uint64{0: 1}, d.positions); diff != "" {
			t.Errorf("positions (-want +got):\n%s", diff)
		}

		// The other writer did its part and went; ours goes on behind it.
		d.set(func() { d.positions[1], d.held[1] = 2, false })
		d.append(1, 3, report("device-1", 1))
		time.Sleep(leaseRetry + defaultMaxWait + defaultFlushEvery)
		synctest.Wait()
		if diff := cmp.Diff(map[int]uint64{0: 1, 1: 3}, d.positions); diff != "" {
			t.Errorf("positions after it was free again (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]uint64{3}, d.stored["device-1"]); diff != "" {
			t.Errorf("what this writer stored of the partition (-want +got):\n%s", diff)
		}
	})
}
