package codec

import (
	"slices"
	"strings"
)

// PresenceFilters returns filters, within those of the sources, of the topics
// on which vendors' devices and their last wills say whether they are
// connected. Brokers retain these, and hand nothing retained to a group, so
// every member of one subscribes to them by itself. Names of up to two levels
// are covered. The native ones are [Router.StatusFilters].
func (r *Router) PresenceFilters() []string {
	var all []string
	for i := range r.routes {
		var word string
		switch r.routes[i].codec.(type) {
		case *Shelly:
			word = "online"
		case *Tasmota:
			word = "LWT"
		case *Zigbee2MQTT:
			word = "availability"
		default:
			continue
		}
		for _, filter := range ending(r.routes[i].filter, word) {
			if !slices.Contains(all, filter) {
				all = append(all, filter)
			}
		}
	}
	return all
}

// ending returns filters of those topics of a filter whose last level is word.
func ending(filter, word string) []string {
	before, last := "", filter
	if i := strings.LastIndexByte(filter, '/'); i >= 0 {
		before, last = filter[:i+1], filter[i+1:]
	}
	switch last {
	case "#":
		return []string{before + "+/" + word, before + "+/+/" + word}
	case "+", word:
		return []string{before + word}
	default:
		return nil
	}
}
