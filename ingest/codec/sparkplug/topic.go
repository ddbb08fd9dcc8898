package sparkplug

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"telltale/devices"
)

// Namespace is the first level of every Sparkplug B topic.
const Namespace = "spBv1.0"

// Type is what kind of message a topic carries.
type Type string

// Types of messages. N ones are of an edge node, D ones of a device behind it.
const (
	NodeBirth     Type = "NBIRTH"
	NodeData      Type = "NDATA"
	NodeDeath     Type = "NDEATH"
	NodeCommand   Type = "NCMD"
	DeviceBirth   Type = "DBIRTH"
	DeviceData    Type = "DDATA"
	DeviceDeath   Type = "DDEATH"
	DeviceCommand Type = "DCMD"

	// State is what host applications say of themselves.
	State Type = "STATE"
)

// Topic is spBv1.0/{group}/{type}/{node}[/{device}], or spBv1.0/STATE/{host}.
type Topic struct {
	Type   Type
	Group  string
	Node   string
	Device string // "" in messages of the node itself
}

// ParseTopic reads a topic. It complains about everything that the
// specification does not know.
func ParseTopic(s string) (Topic, error) {
	levels := strings.Split(s, "/")
	switch {
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		return Topic{}, fmt.Errorf("topic %q is not UTF-8 without null characters", s)
	case levels[0] != Namespace:
		return Topic{}, fmt.Errorf("topic %q does not begin with %s", s, Namespace)
	case len(levels) >= 3 && levels[1] == string(State):
		return Topic{Type: State}, nil
	case len(levels) < 4:
		return Topic{}, fmt.Errorf("topic %q is not %s/group/type/node", s, Namespace)
	}
	t := Topic{Group: levels[1], Type: Type(levels[2]), Node: levels[3]}
	rest := levels[4:]
	switch t.Type {
	case NodeBirth, NodeData, NodeDeath, NodeCommand:
		if len(rest) != 0 {
			return Topic{}, fmt.Errorf("topic %q names a device, which %s has none of", s, t.Type)
		}
	case DeviceBirth, DeviceData, DeviceDeath, DeviceCommand:
		if len(rest) != 1 || rest[0] == "" {
			return Topic{}, fmt.Errorf("topic %q does not name one device, as %s must", s, t.Type)
		}
		t.Device = rest[0]
	default:
		return Topic{}, fmt.Errorf("topic %q has the unknown message type %q", s, levels[2])
	}
	if t.Group == "" || t.Node == "" {
		return Topic{}, fmt.Errorf("topic %q has an empty level", s)
	}
	return t, nil
}

// String returns the topic as it is published.
func (t Topic) String() string {
	s := Namespace + "/" + t.Group + "/" + string(t.Type) + "/" + t.Node
	if t.Device != "" {
		s += "/" + t.Device
	}
	return s
}

// As returns the topic of another type of message of the same sender.
func (t Topic) As(kind Type) Topic {
	t.Type = kind
	return t
}

// ErrLongID says that a name is too long to be a device's id.
var ErrLongID = errors.New("sparkplug: names are too long for a device's id")

// ID returns the id of the device that the topic speaks of: "group/node/device",
// or "group/node" for the edge node itself. A byte that an id cannot hold, and
// the colon, is written as a colon and two hexadecimal digits, so "Line 1"
// becomes "Line:201" and no two names become one. [Unescape] is the way back.
func (t Topic) ID() (devices.ID, error) {
	id := escape(t.Group) + "/" + escape(t.Node)
	if t.Device != "" {
		id += "/" + escape(t.Device)
	}
	if !devices.ValidID(id) { // every character is valid by now
		return "", fmt.Errorf("%w: %q has %d characters", ErrLongID, id, len(id))
	}
	return devices.ID(id), nil
}

const hexDigits = "0123456789ABCDEF"

func escape(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-' {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{':', hexDigits[c>>4], hexDigits[c&15]})
	}
	return b.String()
}

// Unescape returns the name that one level of a device's id stands for, and
// false when it is no level that [Topic.ID] makes.
func Unescape(level string) (name string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(level); i++ {
		if level[i] != ':' {
			b.WriteByte(level[i])
			continue
		}
		if i+2 >= len(level) {
			return "", false
		}
		high, low := strings.IndexByte(hexDigits, level[i+1]), strings.IndexByte(hexDigits, level[i+2])
		if high < 0 || low < 0 {
			return "", false
		}
		b.WriteByte(byte(high<<4 | low))
		i += 2
	}
	return b.String(), escape(b.String()) == level
}
