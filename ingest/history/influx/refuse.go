package influx

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"telltale/devices"
	"telltale/ingest/history"
)

// maxPost is how many readings are sent at once: about half a megabyte.
const maxPost = 10_000

// poster sends one partition's readings in order, and finds out which of them
// are never taken.
type poster struct {
	send    func(ctx context.Context, lines string) error
	refused []history.Refused
	count   int64  // of refused readings
	buffer  []byte // of the lines, reused
}

// store sends the readings. An error means that they may be sent again later;
// those that would fail for ever are among p.refused instead.
func (p *poster) store(ctx context.Context, refs []ref) error {
	for part := range slices.Chunk(refs, maxPost) {
		if err := p.try(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// try sends readings, and those that are not taken in ever smaller parts,
// until it is known which ones they are. Parts that were taken before are not
// harmed by coming again.
func (p *poster) try(ctx context.Context, refs []ref) error {
	var lines int
	p.buffer, lines = appendLines(p.buffer[:0], refs)
	err := p.send(ctx, string(p.buffer))
	if err == nil {
		return nil
	}
	complaint := complaintOf(err)
	if complaint == nil {
		return err
	}
	if len(refs) == 1 || complaint.meansAll(lines, len(refs)) {
		p.refuse(refs, complaint.text)
		return nil
	}
	first, second := complaint.split(refs)
	if err := p.try(ctx, first); err != nil {
		return err
	}
	return p.try(ctx, second)
}

// refuse notes readings as never taken, one report together.
func (p *poster) refuse(refs []ref, why string) {
	p.count += int64(len(refs))
	for _, r := range refs {
		reading := r.report.Readings[r.reading]
		last := len(p.refused) - 1
		if last >= 0 && p.refused[last].Why == why && sameReport(&p.refused[last].Report, r.report) {
			p.refused[last].Report.Readings = append(p.refused[last].Report.Readings, reading)
			continue
		}
		p.refused = append(p.refused, history.Refused{Why: why, Report: devices.Report{
			Device: r.report.Device, ObservedAt: r.report.ObservedAt, ReceivedAt: r.report.ReceivedAt,
			Seq: r.report.Seq, Readings: []devices.Reading{reading},
		}})
	}
}

func sameReport(a, b *devices.Report) bool {
	return a.Device == b.Device && a.Seq == b.Seq && a.ObservedAt.Equal(b.ObservedAt) && a.ReceivedAt.Equal(b.ReceivedAt)
}

// complaint is InfluxDB's word that something in a request can never be
// stored.
type complaint struct {
	text    string
	dropped int    // how many points it names; 0: it does not say
	field   string // whose type conflicts; "": another reason
	beyond  bool   // points are beyond the retention of their bucket
}

var (
	droppedCount = regexp.MustCompile(`dropped=(\d+)`)
	fieldOf      = regexp.MustCompile(`input field "(.*?)" on measurement "(.*?)" is type`)
	beyondWords  = regexp.MustCompile(`(?:beyond|outside) (?:the )?retention`)
)

func readComplaint(text string) *complaint {
	c := &complaint{beyond: beyondWords.MatchString(text)}
	// How many is of the request, and no reason of any of them.
	c.text = strings.TrimSpace(droppedCount.ReplaceAllString(text, ""))
	if match := droppedCount.FindStringSubmatch(text); match != nil {
		c.dropped, _ = strconv.Atoi(match[1]) // digits; too many of them count as unknown
	}
	if match := fieldOf.FindStringSubmatch(text); match != nil {
		c.field = match[2] + "." + match[1]
	}
	return c
}

// meansAll reports whether each reading of a request is at fault: all points
// were dropped, and all readings of a point share the fault, because it has
// only one or because the fault is its time. One request then is enough for
// any number of them.
func (c *complaint) meansAll(lines, readings int) bool {
	return c.dropped == lines && (lines == readings || c.beyond)
}

// split parts readings where the fault lies most likely: by the field whose
// type conflicts, at a time that is too old, or in halves. Both parts are
// smaller than the whole.
func (c *complaint) split(refs []ref) (first, second []ref) {
	if c.field != "" {
		for _, r := range refs {
			if measurement, key := r.field(); measurement+"."+key == c.field {
				first = append(first, r)
			} else {
				second = append(second, r)
			}
		}
		if len(first) > 0 && len(second) > 0 {
			return first, second
		}
	}
	if c.beyond {
		refs = slices.Clone(refs)
		slices.SortStableFunc(refs, func(a, b ref) int { return a.report.ObservedAt.Compare(b.report.ObservedAt) })
	}
	return refs[:len(refs)/2], refs[len(refs)/2:]
}
