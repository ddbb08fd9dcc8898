package codec

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"telltale/devices"
)

// topicBehind returns the levels of a topic behind the first n; false when
// there are none.
func topicBehind(topic string, n int) (string, bool) {
	for range n {
		_, rest, found := strings.Cut(topic, "/")
		if !found {
			return "", false
		}
		topic = rest
	}
	return topic, true
}

// topicSelector returns the selector of a codec that finds the device in the
// topic only.
func topicSelector(codec, device string) (selector, error) {
	s, err := parseSelector(device)
	if err == nil && !s.inTopic() {
		err = fmt.Errorf("codec %s finds the device in the topic, as topic[N], not at %q", codec, device)
	}
	return s, err
}

// presence appends a report that says only whether the device is there. An
// empty payload clears what the broker retains and says nothing.
func presence(dst []devices.Report, id devices.ID, p Payload, online, offline string) ([]devices.Report, error) {
	var said devices.Presence
	switch string(p.Body) {
	case "":
		return dst, nil
	case online:
		said = devices.Online
	case offline:
		said = devices.Offline
	default:
		return dst, &PayloadError{Offset: 0, Err: errors.New("must be " + online + " or " + offline)}
	}
	dst, r := extend(dst)
	r.Device, r.ObservedAt, r.ReceivedAt, r.Presence = id, p.ReceivedAt, p.ReceivedAt, said
	return dst, nil
}

// appendPlain appends the reading of a payload that is a value without quotes:
// a number, true, false or a text. An empty one says nothing.
func appendPlain(r *devices.Report, metric string, body []byte) error {
	s := strings.TrimSpace(string(body))
	v := devices.Label(s)
	switch n, isNumber := devices.ParseNumber(s); {
	case s == "":
		return nil
	case isNumber:
		v = devices.Number(n)
	case s == "true":
		v = devices.Number(1)
	case s == "false":
		v = devices.Number(0)
	case len(s) > MaxText:
		return &PayloadError{Offset: 0, Err: fmt.Errorf("text of %d bytes is longer than %d", len(s), MaxText)}
	case !isText(s):
		return &PayloadError{Offset: 0, Err: errors.New("neither JSON nor a text")}
	}
	if metric == "" || len(metric) > MaxName {
		return &PayloadError{Offset: -1, Err: fmt.Errorf("name of a metric must have 1 to %d bytes, not %d", MaxName, len(metric))}
	}
	r.Readings = append(r.Readings, devices.Reading{Metric: metric, Value: v})
	return nil
}

// isText reports whether s is characters that a person could read.
func isText(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0
}
