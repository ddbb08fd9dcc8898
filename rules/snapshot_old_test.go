package rules

import (
	"encoding/base64"
	"testing"
)

// What earlier forms of a snapshot held of one minute: door and warm raised,
// wet held back by door.
func TestASnapshotOfAnEarlierFormIsRead(t *testing.T) {
	t.Parallel()
	const state = "AYCAgtP6w8mGMQAHDGNvbXByZXNzb3Jfdwlkb29yX29wZW4IaHVtaWRpdHkEbW9kZQVvdGhlcgNyYXcLdGVtcGVyYXR1cmUDBGRvb3IEbGl2ZQ" +
		"BUpUgIrxrjMwR3YXJtBGxpdmUGiS7eMBBk4vwDd2V0BGxpdmUAOYkkQ9RFynoAAQhmcmlkZ2UtMYCAgtP6w8mGMYCAgtP6w8mGMYCAgtP6w8mG" +
		"MQD///////////8BAAMBAAAAAAAAAADwPwIAAAAAAAAAAE5ABgAAAAAAAAAAIkADAAIAAoCAgtP6w8mGMQEaenBydzRmNmJ0eHZuOGpwOHA5NT" +
		"F3MzQweTiAgILT+sPJhjGAgILT+sPJhjEAAgAAAQIAAoCAgtP6w8mGMQEaZjF5ZHIzOHE1eDQzNGRjcGZyejZnOWY3d2OAgILT+sPJhjGAgILT" +
		"+sPJhjEBAgAAAgEAAoCAgtP6w8mGMQEAAAAAAICAgtP6w8mGMQRkb29yAAA="
	first, err := base64.StdEncoding.DecodeString(state)
	if err != nil {
		t.Fatal(err)
	}
	second := append(append([]byte{learnedFormat}, first[1:]...), 0, 0) // nothing was learnt
	const withLife = "A4CAgtP6w8mGMQAABwxjb21wcmVzc29yX3cJZG9vcl9vcGVuCGh1bWlkaXR5BG1vZGUFb3RoZXIDcmF3C3RlbXBlcmF0dXJlAwRkb29yBGxpdmUAVKVI" +
		"CK8a4zMEd2FybQRsaXZlBoku3jAQZOL8A3dldARsaXZlADmJJEPURcp6AAEIZnJpZGdlLTGAgILT+sPJhjGAgILT+sPJhjGAgILT+sPJhjEA////" +
		"////////AQADAQAAAAAAAAAA8D8CAAAAAAAAAABOQAYAAAAAAAAAACJAAwACAAKAgILT+sPJhjEAARp6cHJ3NGY2YnR4dm44anA4cDk1MXczNDB5" +
		"OICAgtP6w8mGMYCAgtP6w8mGMQAAAgABAgACgICC0/rDyYYxAAEaZjF5ZHIzOHE1eDQzNGRjcGZyejZnOWY3d2OAgILT+sPJhjGAgILT+sPJhjEB" +
		"AQIAAgEAAoCAgtP6w8mGMQABGjdqZ21xejM0ejRqYmFkdjhtcGoxa2trYmY4gICC0/rDyYYxgICC0/rDyYYxAAAAAQRkb29yFXdoaWxlIGRvb3Ig" +
		"d2FzIGFjdGl2ZYCAgtP6w8mGMQAAAAAAAA"
	third, err := base64.RawStdEncoding.DecodeString(withLife)
	if err != nil {
		t.Fatal(err)
	}
	for name, snapshot := range map[string][]byte{"the first": first, "the second": second, "the third": third} {
		s := newPatientStory(t, Rule{ID: "door", When: "door_open"},
			Rule{ID: "warm", Version: 3, When: "temperature > 8", Severity: Minor, ReopenWithin: 1},
			Rule{ID: "wet", When: "humidity > 50", InhibitedBy: []Inhibitor{{Rule: "door"}}})
		if err := s.engine.Restore(snapshot); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s.report(1, map[string]any{"temperature": 9, "door_open": false, "humidity": 60})
		s.report(2, map[string]any{"temperature": 4, "humidity": 60})
		s.want(change{"door", "cleared", 1}, change{"wet", "raised", 1}, change{"warm", "cleared", 2})
		says(t, s.last(Raised), "Held back from 10:00:00 UTC, while door was active.")
		if got := s.last(Cleared); got.Severity != Minor || got.RaisedAt != start {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
