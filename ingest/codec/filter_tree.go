package codec

import "strings"

// filterTree is a tree of topic filters, level by level, so that finding a topic's
// source does not take longer the more sources there are. The zero value is
// empty.
type filterTree struct {
	levels map[string]*filterTree // by the level's own text
	any    *filterTree            // behind "+"
	here   int                    // 1 + number of the earliest filter that ends here
	below  int                    // the same for one that ends here with "#"
}

// add puts in the filter with the number, of which the lower wins.
func (r *filterTree) add(filter string, number int) {
	level, rest, more := strings.Cut(filter, "/")
	switch {
	case level == "#":
		r.below = earlier(r.below, number+1)
		return
	case level == "+":
		if r.any == nil {
			r.any = &filterTree{}
		}
		r = r.any
	default:
		if r.levels == nil {
			r.levels = make(map[string]*filterTree)
		}
		if r.levels[level] == nil {
			r.levels[level] = &filterTree{}
		}
		r = r.levels[level]
	}
	if more {
		r.add(rest, number)
		return
	}
	r.here = earlier(r.here, number+1)
}

// find returns the number of the earliest filter that matches a topic; see
// [Matches].
func (r *filterTree) find(topic string) (number int, ok bool) {
	n := r.walk(topic, strings.HasPrefix(topic, "$"))
	return n - 1, n > 0
}

// walk is find below r; the wildcards of the first level match no topic of the
// broker's own [MQTT-4.7.2-1].
func (r *filterTree) walk(topic string, own bool) int {
	best := 0
	if !own {
		best = r.below
	}
	level, rest, more := strings.Cut(topic, "/")
	if next := r.levels[level]; next != nil {
		best = earlier(best, next.end(rest, more))
	}
	if r.any != nil && !own {
		best = earlier(best, r.any.end(rest, more))
	}
	return best
}

// end goes on with what follows a level. "a/#" also matches "a" [MQTT-4.7.1-2].
func (r *filterTree) end(rest string, more bool) int {
	if more {
		return r.walk(rest, false)
	}
	return earlier(r.here, r.below)
}

// earlier returns the lower of two numbers that are not 0.
func earlier(a, b int) int {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
