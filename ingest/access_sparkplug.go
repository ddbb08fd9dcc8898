package ingest

import (
	"strings"

	"telltale/ingest/codec/sparkplug"
)

// edgeMayPublish reports whether a topic is one that the client speaks on as a
// Sparkplug edge node: the node whose id "group/node" the device has speaks for
// itself and for all devices behind it.
func (a Access) edgeMayPublish(topic string) bool {
	t, err := sparkplug.ParseTopic(topic)
	if err != nil {
		return false
	}
	switch t.Type {
	case sparkplug.NodeCommand, sparkplug.DeviceCommand, sparkplug.State:
		return false
	}
	return a.isNode(t.Group, t.Node)
}

// edgeMayRead reports whether all topics of a filter are commands to the client
// as an edge node, or what host applications say of themselves.
func (a Access) edgeMayRead(filter string) bool {
	levels := strings.Split(filter, "/")
	if levels[0] != sparkplug.Namespace {
		return false
	}
	if len(levels) >= 3 && levels[1] == string(sparkplug.State) {
		return strings.Count(string(a.Device), "/") == 1
	}
	if len(levels) < 4 {
		return false
	}
	kind := sparkplug.Type(levels[2])
	return (kind == sparkplug.NodeCommand || kind == sparkplug.DeviceCommand) && a.isNode(levels[1], levels[3])
}

func (a Access) isNode(group, node string) bool {
	if strings.ContainsAny(group+node, "+#") {
		return false
	}
	id, err := sparkplug.Topic{Group: group, Node: node}.ID()
	return err == nil && id == a.Device
}
