package postgres_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/rules"
)

// TestWhatIsHeardIsToldByModelAndTag: devices of one model and one value of a
// tag that is asked for are one group, whatever their other tags are.
func TestWhatIsHeardIsToldByModelAndTag(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "fridge-1", "fridge-2", "fridge-3", "fridge-4")
	f.exec(`update devices set spec = '{"tags": {"room": "lab", "firmware": "1"}}' where id = 'fridge-2'`)
	f.exec(`update devices set spec = '{"tags": {"room": "lab", "firmware": "2"}}' where id = 'fridge-3'`)
	f.see(1, report("fridge-1", 1, "temperature", 4.0, "door", 0.0), report("fridge-1", 9, "temperature", 4.0, "unasked", 1.0))
	f.see(2, report("fridge-2", 3, "temperature", 4.0), report("fridge-3", 2, "door", 1.0), report("fridge-3", 5, "temperature", 4.0))

	got, err := f.db.Heard(t.Context(), []string{"temperature", "door", "humidity"}, []string{"room"})
	if err != nil {
		t.Fatal(err)
	}
	heard := func(tags map[string]string, seen int, temperature, door int) rules.Heard {
		return rules.Heard{Model: "M", Tags: tags, SeenAt: minute(seen).Add(time.Second),
			Metrics: map[string]time.Time{"temperature": minute(temperature), "door": minute(door)}}
	}
	want := []rules.Heard{heard(map[string]string{}, 9, 9, 1), heard(map[string]string{"room": "lab"}, 5, 5, 2)}
	sameInstant := cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })
	if diff := cmp.Diff(want, got, sameInstant); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	f.exec(`insert into rule_versions (rule_id, version, spec, author, created_at) values
		('warm', 1, '{}', 'a', $1), ('warm', 2, '{}', 'b', $2), ('door', 1, '{}', 'a', $2)`, minute(1), minute(2))
	since, err := f.db.RulesSince(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]time.Time{"warm": minute(1), "door": minute(2)}, since, sameInstant); diff != "" {
		t.Errorf("since (-want +got)\n%s", diff)
	}
}
