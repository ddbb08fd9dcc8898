package codec

import "strings"

// examples are topics on which each codec whose topics say what a message is
// finds readings, the likeliest first. "try" stands for names.
var examples = map[string][]string{
	"chirpstack": {"application/try/device/try/event/up"},
	"shelly":     {"shellies/try/relay/0/power", "try/events/rpc", "try/status/switch:0"},
	"sparkplug":  {"spBv1.0/try/NBIRTH/try"},
	"tasmota":    {"tele/try/SENSOR"},
	"ttn":        {"v3/try/devices/try/up"},
}

// ExampleTopic returns a topic of the source on which a device would send
// readings. Its names are "try".
func (s Source) ExampleTopic() string {
	var example []string
	for _, topic := range examples[s.Codec] {
		if Matches(s.Filter, topic) {
			return topic
		}
		if example == nil {
			example = strings.Split(topic, "/")
		}
	}
	return fill(strings.Split(s.Filter, "/"), example)
}

// fill puts the levels of an example in the place of a filter's wildcards,
// where it has as many.
func fill(filter, example []string) string {
	topic := make([]string, 0, len(filter))
	for i, level := range filter {
		switch {
		case level == "#" && i < len(example):
			topic = append(topic, example[i:]...)
		case level == "+" && i < len(example):
			topic = append(topic, example[i])
		case level == "#", level == "+":
			topic = append(topic, "try")
		default:
			topic = append(topic, level)
		}
	}
	return strings.Join(topic, "/")
}
