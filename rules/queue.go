package rules

import "container/heap"

// queue holds devices by the log time of their next timer, soonest first. A
// device's place may be too soon, never too late.
type queue []timer

type timer struct {
	at     int64
	device *device
}

func (q *queue) push(d *device, at int64) { heap.Push((*timers)(q), timer{at, d}) }

func (q *queue) move(d *device, at int64) {
	(*q)[d.queued].at = at
	heap.Fix((*timers)(q), int(d.queued))
}

func (q *queue) remove(d *device) {
	if d.queued >= 0 {
		heap.Remove((*timers)(q), int(d.queued))
	}
}

// timers is the queue as container/heap wants it.
type timers []timer

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].at < t[j].at }

func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].device.queued, t[j].device.queued = int32(i), int32(j)
}

func (t *timers) Push(x any) {
	one := x.(timer)
	one.device.queued = int32(len(*t))
	*t = append(*t, one)
}

func (t *timers) Pop() any {
	last := len(*t) - 1
	one := (*t)[last]
	(*t)[last] = timer{}
	*t = (*t)[:last]
	one.device.queued = -1
	return one
}
