package backtest

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"telltale/devices"
)

// Play is [Run] on a history that is too long to be held in memory. It comes
// in stretches: each holds what was reported in a span of time, in any order,
// and all of it is later than the stretch before. Models and devices are those
// declared; what others said is left out. Play reads one stretch ahead of the
// one that is played, so two are in memory.
func Play(ctx context.Context, in Input, stretches iter.Seq2[[]devices.Report, error]) (Result, error) {
	p, err := newPlayer(in, devices.NewDirectory(1, in.Models, in.Devices))
	if err != nil {
		return Result{}, err
	}
	seen := make(map[devices.ID]struct{})
	for stretch, err := range ahead(ctx, stretches) {
		if err != nil {
			return Result{}, err
		}
		if err := p.stretch(ctx, in, stretch, seen); err != nil {
			return Result{}, err
		}
		if p.kept > p.most {
			break
		}
	}
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	result, err := p.result(in)
	result.Devices = len(seen)
	return result, err
}

// stretch plays one stretch in the order of time.
func (p *player) stretch(ctx context.Context, in Input, reports []devices.Report, seen map[devices.ID]struct{}) error {
	keys := inTime(in, reports)
	for i := range keys {
		seen[keys[i].device] = struct{}{}
		p.done.Read += int64(len(reports[keys[i].report].Readings))
	}
	for first, looked := 0, 0; first < len(keys); {
		if first-looked >= checkEvery {
			if err := ctx.Err(); err != nil {
				return err
			}
			looked = first
			p.estimate(in)
			p.tell()
		}
		end := first + 1
		for end < len(keys) && keys[end].at == keys[first].at {
			end++
		}
		p.instant(p.together(reports, keys[first:end]), reports[keys[first].report].ObservedAt)
		first = end
	}
	p.estimate(in)
	p.tell()
	return nil
}

// estimate says how far the run is, and how many readings there may be in all,
// going by the time that is played. It counts from the first reading there is:
// what was asked for may begin long before the history does.
func (p *player) estimate(in Input) {
	played := p.last.Sub(p.first)
	if all := in.To.Sub(p.first); played > 0 && all > 0 {
		p.done.Share = min(1, played.Seconds()/all.Seconds())
		p.done.Total = max(p.done.Read, int64(float64(p.done.Played)/p.done.Share))
	}
}

// key is where a report stands in time.
type key struct {
	at     int64 // Unix nanoseconds
	device devices.ID
	report int32
}

// inTime returns the reports within the bounds of a run, by time, then device,
// then as they came.
func inTime(in Input, reports []devices.Report) []key {
	keys := make([]key, 0, len(reports))
	ordered := true
	byTime := func(a, b key) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.device, b.device), cmp.Compare(a.report, b.report))
	}
	for i := range reports {
		r := &reports[i]
		if !in.From.IsZero() && r.ObservedAt.Before(in.From) || !in.To.IsZero() && !r.ObservedAt.Before(in.To) {
			continue
		}
		k := key{r.ObservedAt.UnixNano(), r.Device, int32(i)} //nolint:gosec // a stretch is no longer than that
		ordered = ordered && (len(keys) == 0 || byTime(keys[len(keys)-1], k) < 0)
		keys = append(keys, k)
	}
	if !ordered {
		slices.SortFunc(keys, byTime)
	}
	return keys
}

// together makes one report for each device of an instant: what a device said
// at once may be stored apart.
func (p *player) together(reports []devices.Report, instant []key) []devices.Report {
	p.reports = p.reports[:0]
	for i := range instant {
		r := &reports[instant[i].report]
		p.done.Played += int64(len(r.Readings))
		if i == 0 || instant[i-1].device != instant[i].device {
			p.reports = append(p.reports, *r)
			continue
		}
		last := &p.reports[len(p.reports)-1]
		last.Readings = append(slices.Clip(last.Readings), r.Readings...)
		if last.Faults == nil {
			last.Faults = r.Faults
		}
	}
	return p.reports
}

// ahead reads a sequence in a goroutine of its own, one item ahead of who asks
// for them. It has ended when the loop over it has.
func ahead(ctx context.Context, stretches iter.Seq2[[]devices.Report, error]) iter.Seq2[[]devices.Report, error] {
	type item struct {
		reports []devices.Report
		err     error
	}
	return func(yield func([]devices.Report, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		items := make(chan item) // the item ahead is the one that waits to be sent
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer close(items)
			for reports, err := range stretches {
				if err != nil {
					err = fmt.Errorf("readings: %w", err)
				}
				select {
				case items <- item{reports, err}:
				case <-ctx.Done():
					return
				}
			}
		}()
		defer func() { cancel(); <-done }()
		for i := range items {
			if !yield(i.reports, i.err) {
				return
			}
		}
	}
}
