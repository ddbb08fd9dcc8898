package codec

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"telltale/devices"
)

// selector says where the device's id stands: in a level of the topic, or at a
// path in the payload.
type selector struct {
	level int    // -1: in the payload
	path  string // if level is -1
}

var topicLevel = regexp.MustCompile(`^topic\[(\d{1,3})\]$`)

func parseSelector(s string) (selector, error) {
	if m := topicLevel.FindStringSubmatch(s); m != nil {
		level, _ := strconv.Atoi(m[1])
		return selector{level: level}, nil
	}
	if s == "" || strings.ContainsAny(s, "[]") {
		return selector{}, fmt.Errorf("device must be topic[N] or a path in the payload, not %q", s)
	}
	return selector{level: -1, path: s}, nil
}

func (s selector) inTopic() bool { return s.level >= 0 }

func (s selector) fromTopic(topic string) (devices.ID, error) {
	rest := topic
	for range s.level {
		_, after, found := strings.Cut(rest, "/")
		if !found {
			return "", &PayloadError{Offset: -1, Err: fmt.Errorf("topic %q has no level %d for the device's id", topic, s.level)}
		}
		rest = after
	}
	id, _, _ := strings.Cut(rest, "/")
	return checkID(id)
}

func checkID(id string) (devices.ID, error) {
	if !devices.ValidID(id) {
		return "", &PayloadError{Offset: -1, Err: fmt.Errorf("%q cannot be a device's id: it takes 1 to 128 letters, digits and ._:-, with single slashes between", id)}
	}
	return devices.ID(id), nil
}

var errNoDevice = errors.New("payload does not say which device it is from")

// byTopic is embedded by codecs that find the device in the topic.
type byTopic struct{ device selector }

// Owner returns the device that a topic belongs to; false when the payload
// names the device.
func (b *byTopic) Owner(topic string) (devices.ID, bool) {
	if !b.device.inTopic() {
		return "", false
	}
	id, err := b.device.fromTopic(topic)
	return id, err == nil
}
