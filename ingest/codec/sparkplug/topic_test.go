package sparkplug

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"telltale/devices"
)

func TestTopics(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		topic, id string // "" for one that is none
	}{
		{"spBv1.0/Plant/NBIRTH/Line-1", "Plant/Line-1"},
		{"spBv1.0/Plant/DDATA/Line 1/Öfen:2", "Plant/Line:201/:C3:96fen:3A2"},
		{"spBv1.0/Plant/NBIRTH/Line-1/oven", ""},
		{"spBv1.0/Plant/DBIRTH/Line-1", ""},
		{"spBv1.0/Plant/DBIRTH/Line-1/", ""},
		{"spBv1.0/Plant/DBIRTH/Line-1/a/b", ""},
		{"spBv1.0//NBIRTH/Line-1", ""},
		{"spBv1.0/Plant/NBIRTH/", ""},
		{"spBv1.0/Plant/nbirth/Line-1", ""},
		{"spAv1.0/Plant/NBIRTH/Line-1", ""},
		{"spBv1.0/Plant", ""},
		{"spBv1.0/Plant/NBIRTH/a\x00", ""},
		{"", ""},
	} {
		topic, err := ParseTopic(c.topic)
		if (err == nil) != (c.id != "") {
			t.Errorf("%q: %v", c.topic, err)
		}
		if err != nil {
			continue
		}
		if id, err := topic.ID(); string(id) != c.id || err != nil || topic.String() != c.topic {
			t.Errorf("%q: id %q, written again %q (%v)", c.topic, id, topic, err)
		}
	}
	long := Topic{Group: "g", Node: strings.Repeat("x", 130)}
	if _, err := long.ID(); !errors.Is(err, ErrLongID) {
		t.Errorf("a node with a long name: %v", err)
	}
}

func TestNamesAndLevelsOfIDsAreOneToOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringN(1, 10, 40).Draw(t, "name")
		level := escape(name)
		if !devices.ValidName(level) {
			t.Fatalf("%q becomes %q, which is no id", name, level)
		}
		if back, ok := Unescape(level); !ok || back != name {
			t.Fatalf("%q becomes %q, which becomes %q", name, level, back)
		}
		if other := rapid.String().Draw(t, "other"); other != name {
			if back, ok := Unescape(other); ok && back == name && other != level {
				t.Fatalf("%q and %q are both %q", level, other, name)
			}
		}
	})
	for _, level := range []string{":", ":2", ":2a", ":41", "a b", ":zz"} {
		if name, ok := Unescape(level); ok {
			t.Errorf("%q is taken for %q", level, name)
		}
	}
}
