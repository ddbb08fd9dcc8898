package ingest

import (
	"context"
	"fmt"
	"math"
	"time"

	"go.uber.org/zap"

	"telltale/devices"
)

const (
	// flushBytes bounds one flush, so that the first of many does not wait for
	// the last.
	flushBytes = 4 << 20

	// A flush of more than a few messages is followed by the next no sooner than
	// this after it began. A flush costs the same however little is in it, and
	// a machine that is busy with flushes keeps those waiting that are in them.
	flushSpacing = 3 * time.Millisecond
	fewMessages  = 4

	// recordBytes is where a record of the quarantine is cut. One entry more
	// stays well below the log's largest message.
	recordBytes = 256 << 10

	// attemptTime is how long one attempt to append may take.
	attemptTime = 10 * time.Second

	// A flush that failed is tried again after this time, doubled each time.
	firstRetry = 50 * time.Millisecond
	lastRetry  = 2 * time.Second

	// drainTime is how long Run goes on storing after its context is done.
	drainTime = 10 * time.Second
)

// flush is the memory of the flusher, used again for each flush.
type flush struct {
	items   []*pending
	reports []devices.Report
	records [][]byte

	next time.Time // when the next one may begin
}

// Run stores what is accepted, one flush after the other, until ctx is done.
// Then it refuses further messages, stores those it has if that takes no more
// than about ten seconds, and returns nil. Stop the doors before.
func (p *Pipeline) Run(ctx context.Context) error {
	for {
		select {
		case <-p.queue.wake:
			for ctx.Err() == nil && p.step(ctx) {
			}
		case <-ctx.Done():
			p.queue.close()
			p.drain(ctx)
			return nil
		}
	}
}

// drain stores what is left in the closed queue, and lets its senders go when
// that takes too long.
func (p *Pipeline) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	for ctx.Err() == nil && p.step(ctx) {
	}
	p.finish(p.queue.take(nil, math.MaxInt), ErrNotStored)
}

// step does one flush, and returns false when there is nothing to flush. When
// ctx ends before it succeeds, those who wait are told that it was not stored.
func (p *Pipeline) step(ctx context.Context) bool {
	f := &p.flush
	time.Sleep(time.Until(f.next))
	f.items = p.queue.take(f.items[:0], flushBytes)
	if len(f.items) == 0 {
		return false
	}
	started := time.Now()
	p.letGo(f, time.Time{}) // of those that wait no more, whatever the time
	err := p.store(ctx, f)
	p.metrics.flushSeconds.Observe(time.Since(started).Seconds())
	messages := 0
	for _, it := range f.items {
		messages += it.messages
	}
	p.metrics.flushed.Observe(float64(messages))
	p.finish(f.items, err)
	if messages > fewMessages {
		f.next = started.Add(flushSpacing)
	}
	clear(f.items)
	return true
}

// store appends the flush and tries until it succeeds or ctx is done: giving
// up would let later messages overtake, and the sender can do no better than
// to send again. Senders that stopped waiting meanwhile are let go.
func (p *Pipeline) store(ctx context.Context, f *flush) error {
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		p.gather(f)
		err := p.append(ctx, f)
		if err == nil {
			return nil
		}
		p.metrics.flushFailures.Inc()
		p.opts.Log.Warn("append to log failed", zap.Int("messages", len(f.items)), zap.Error(err))
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrNotStored, err)
		}
		p.expire(f)
		if len(f.items) == 0 {
			return nil
		}
	}
}

// append makes one attempt. It is not broken off by the end of ctx: what it has
// sent would be stored all the same.
func (p *Pipeline) append(ctx context.Context, f *flush) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), attemptTime)
	defer cancel()
	return p.log.Append(ctx, time.Now(), f.reports, f.records)
}

// gather collects what the items hold for one append.
func (p *Pipeline) gather(f *flush) {
	f.reports, f.records = f.reports[:0], f.records[:0]
	var record []byte
	for _, it := range f.items {
		f.reports = append(f.reports, it.reports...)
		for i := range it.quarantined {
			if record == nil {
				record = []byte{quarantineSchema}
			}
			record = appendQuarantined(record, &it.quarantined[i])
			if len(record) >= recordBytes {
				f.records = append(f.records, record)
				record = nil
			}
		}
	}
	if record != nil {
		f.records = append(f.records, record)
	}
}

// expire lets the senders go that have stopped waiting, in this flush and in
// the queue behind it. What they sent is left out: they will send it again.
func (p *Pipeline) expire(f *flush) {
	now := time.Now()
	p.letGo(f, now)
	p.finish(p.queue.expire(now), ErrNotStored)
}

// letGo leaves out what those sent who do not wait at now.
func (p *Pipeline) letGo(f *flush, now time.Time) {
	var gone []*pending
	f.items, gone = splitExpired(f.items, now)
	p.finish(gone, ErrNotStored)
}

// finish counts the items and tells their senders.
func (p *Pipeline) finish(items []*pending, err error) {
	p.countAll(items, err) // before the senders go on: who sees an acknowledgement sees it counted
	for _, it := range items {
		it.sender.settle(err) // afterwards it belongs to somebody else
	}
}

func (p *Pipeline) countAll(items []*pending, err error) {
	var reports, readings int
	for _, it := range items {
		if err != nil {
			p.metrics.outcomes[outcomeUnstored].Add(float64(it.messages))
			continue
		}
		p.count(it)
		reports += len(it.reports)
		for i := range it.reports {
			readings += len(it.reports[i].Readings)
		}
	}
	p.metrics.reports.Add(float64(reports))
	p.metrics.readings.Add(float64(readings))
}
