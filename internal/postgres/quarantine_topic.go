package postgres

import (
	"regexp"
	"strings"

	"telltale/ingest/codec"
)

// topicPattern is the regular expression of a search for topics: an MQTT
// filter where the text has wildcards, else any part of the topic. The empty
// text stands for all topics and stays as it is.
func topicPattern(text string) string {
	if text == "" || !strings.ContainsAny(text, "+#") || codec.ValidFilter(text) != nil {
		return regexp.QuoteMeta(text)
	}
	levels := strings.Split(text, "/")
	for i, level := range levels {
		switch level {
		case "+":
			levels[i] = "[^/]*"
		case "#":
			levels[i] = ".*"
		default:
			levels[i] = regexp.QuoteMeta(level)
		}
	}
	pattern := "^" + strings.Join(levels, "/") + "$"
	// "a/#" also matches "a" [MQTT-4.7.1-2].
	if prefix, ok := strings.CutSuffix(pattern, "/.*$"); ok {
		return prefix + "(/.*)?$"
	}
	return pattern
}
