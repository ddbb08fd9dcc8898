package script

import (
	"cmp"
	"context"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"telltale/devices"
)

// late is a stretch of a device's time line whose readings and faults are
// received later than they were observed, all at once: a store-and-forward
// batch, or a message that was tried again.
type late struct {
	node      *yaml.Node
	at, until time.Duration // when they are observed, both ends included
	received  time.Duration // behind until
}

// readLate reads the late stretches of a device, in the order they are observed.
func readLate(r *reader, n *yaml.Node) []*late {
	var all []*late
	for _, item := range r.list(n, "late") {
		keys := r.mapping(item, "at", "until", "received")
		if item.Kind != yaml.MappingNode {
			continue
		}
		before := len(r.faults)
		l := &late{node: item, at: r.duration(keys["at"], "at"), received: r.duration(keys["received"], "received")}
		l.until = l.at
		if keys["until"] != nil {
			l.until = r.duration(keys["until"], "until")
		}
		switch {
		case len(r.faults) > before: // the times are not known
		case keys["at"] == nil || keys["received"] == nil:
			r.fail(item, "at says when it was observed and received when it arrives: both are needed")
		case l.until < l.at:
			r.fail(keys["until"], "until lies before at")
		case l.received <= l.until:
			r.fail(keys["received"], "received must lie behind the time it was observed")
		}
		all = append(all, l)
	}
	slices.SortStableFunc(all, func(a, b *late) int { return cmp.Compare(a.at, b.at) })
	for i := 1; i < len(all); i++ {
		if all[i].at <= all[i-1].until {
			r.fail(all[i].node, "what is observed at %s is late twice", shortSpan(all[i].at))
		}
	}
	return all
}

// lateAt returns the stretch that a time lies in, nil for none.
func (d *subject) lateAt(at time.Duration) *late {
	i, found := slices.BinarySearchFunc(d.late, at, func(l *late, at time.Duration) int { return cmp.Compare(l.at, at) })
	if found {
		return d.late[i]
	}
	if i > 0 && at <= d.late[i-1].until {
		return d.late[i-1]
	}
	return nil
}

// checkLate makes sure that something is observed in each late stretch.
func (p *play) checkLate() (faults []error) {
	for _, d := range p.test.devices {
		for _, l := range d.late {
			first, last := (l.at+p.every-1)/p.every, min(l.until/p.every, time.Duration(p.test.length()))
			said := false
			for i := first; i <= last && !said; i++ {
				_, said = d.reportAt(int(i), time.Time{})
			}
			if !said {
				faults = append(faults, fault(l.node, "%s observes nothing then", d.id))
			}
		}
	}
	return faults
}

// parcel is what arrives of a late stretch.
type parcel struct {
	*late
	reports []devices.Report
}

// parcels lists what will arrive late, in the order in which it does.
func (t *test) parcels() []*parcel {
	var all []*parcel
	for _, d := range t.devices {
		for _, l := range d.late {
			all = append(all, &parcel{late: l})
		}
	}
	slices.SortStableFunc(all, func(a, b *parcel) int { return cmp.Compare(a.received, b.received) })
	return all
}

// keep puts a report aside when it is received late, and reports whether it did.
func (p *play) keep(l *late, r devices.Report) bool {
	if l == nil {
		return false
	}
	r.ReceivedAt = p.test.start.Add(l.received)
	i := slices.IndexFunc(p.awaited, func(one *parcel) bool { return one.late == l })
	p.awaited[i].reports = append(p.awaited[i].reports, r)
	return true
}

// arrive lets what is received until a time arrive, after calling before with
// each time of receipt.
func (p *play) arrive(ctx context.Context, until time.Duration, before func(time.Duration)) {
	for len(p.awaited) > 0 && p.awaited[0].received <= until && ctx.Err() == nil {
		first := p.awaited[0]
		before(first.received)
		p.pass(ctx, first.received-1)
		p.happened = append(p.happened, p.engine.Apply(first.reports, p.test.start.Add(first.received), nil)...)
		p.awaited = p.awaited[1:]
	}
}
