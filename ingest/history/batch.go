package history

import "slices"

// batch is what one Write stores.
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
		b.chunks = append(b.chunks, Chunk{Partition: m.Partition, Epoch: m.Epoch})
	}
	c := &b.chunks[i]
	if m.Epoch < c.Epoch {
		return
	}
	if m.Epoch > c.Epoch {
		b.readings -= countReadings(c)
		*c = Chunk{Partition: m.Partition, Epoch: m.Epoch}
	}
	c.Seq = m.Seq
	c.Reports = append(c.Reports, m.Reports...)
	b.readings += countReadings(&m)
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
