package history

import "slices"

// batch is what one Write stores. Its memory serves again: under load what
// is gathered in it would otherwise be most of the gateway's garbage.
type batch struct {
	chunks   []Chunk
	readings int
}

// add appends a message of the log to its partition's chunk. A lease of a later epoch
// starts the partition anew, from what was stored; what was gathered under the
// earlier one comes again and must not stand before it.
func (b *batch) add(m Chunk) {
	i := slices.IndexFunc(b.chunks, func(c Chunk) bool { return c.Partition == m.Partition })
	if i < 0 {
		i = len(b.chunks)
		b.chunks = slices.Grow(b.chunks, 1)[:i+1]
		b.chunks[i].begin(m.Partition, m.Epoch)
	}
	c := &b.chunks[i]
	if m.Epoch < c.Epoch {
		return
	}
	if m.Epoch > c.Epoch {
		b.readings -= countReadings(c)
		c.begin(m.Partition, m.Epoch)
	}
	c.Seq = m.Seq
	c.Reports = append(c.Reports, m.Reports...)
	b.readings += countReadings(&m)
}

// begin makes a chunk one of no reports, in the memory of those it had.
func (c *Chunk) begin(partition int, epoch int64) {
	*c = Chunk{Partition: partition, Epoch: epoch, Reports: c.Reports[:0]}
}

// spacious is how many times the memory of a chunk that it used may be kept for
// the next: what a storm needed is given back.
const spacious = 8

// empty takes everything out of the batch, so that it can be filled again.
func (b *batch) empty() {
	for i := range b.chunks {
		c := &b.chunks[i]
		if cap(c.Reports) > spacious*len(c.Reports) {
			c.Reports = nil
		}
		clear(c.Reports)
	}
	b.chunks, b.readings = b.chunks[:0], 0
}

// drop takes partitions out of the batch and returns their chunks.
func (b *batch) drop(partitions []int) (dropped []Chunk) {
	b.chunks = slices.DeleteFunc(b.chunks, func(c Chunk) bool {
		lost := slices.Contains(partitions, c.Partition)
		if lost {
			dropped = append(dropped, c)
		}
		return lost
	})
	return dropped
}

// countReadings counts a report without readings as one: it costs the store
// as much.
func countReadings(c *Chunk) int {
	n := 0
	for i := range c.Reports {
		n += max(1, len(c.Reports[i].Readings))
	}
	return n
}
