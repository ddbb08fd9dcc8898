package postgres_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"telltale/internal/views"
)

// TestATraceIsInOrderAlsoWhenTimesAreEqual has one message cause many lines,
// events and deliveries at one moment, stored in the opposite order.
func TestATraceIsInOrderAlsoWhenTimesAreEqual(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const many = 300
	position := views.Position{Partition: 3, Seq: 17, Report: 2}
	at := minute(5)
	for _, alarm := range []string{"alm-2", "alm-1"} {
		f.exec(`insert into alarms (id, raise_id, rule_id, rule_version, subject_type, subject_id, mode, severity, pending_since, raised_at,
				occurrences, "values", explanation, trace, recorded_at)
			values ($1::text, $1::text, 'r-' || $1, 1, 'device', 'fridge-1', 'live', 'major', $2, $2, 1, '{}', '{}', $3, $2)`, alarm, at, position.String())
	}
	f.exec(`insert into tickets (status, priority, subject, dedup_key, observed_at, opened_at, updated_at) values ('new', 'normal', 's', 'k', $1, $1, $1)`, at)
	f.exec(`insert into ticket_timeline (id, ticket_number, at, actor, kind, body, trace) overriding system value
		select n, 1, $1, 'telltale', 'line', n, $2 from generate_series($3::bigint, 1, -1) n`, at, position.String(), many)
	f.exec(`insert into events (id, position, type, subject, ordering_key, at, data, trace) overriding system value
		select 'evt-' || ($3 - n), n, 'ticket.updated', 'T-000001', 'k', $1, '{}', $2 from generate_series($3::bigint, 1, -1) n`, at, position.String(), many)
	f.exec(`insert into deliveries (id, event_id, destination, ordering_key, state, created_at, completed_at) overriding system value
		select n, 'evt-' || ($2 - n), 'desk', 'k', 'completed', $1, $1 from generate_series($2::bigint, 1, -1) n`, at, many)
	f.exec(`insert into ticket_timeline (id, ticket_number, at, actor, kind, body, trace) overriding system value
		values ($2, 1, $1, 'ana', 'line', 'another message', 'p3/17/3')`, at, many+1)

	trace, err := f.db.Trace(t.Context(), position)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"alarm r-alm-1 raised", "alarm r-alm-2 raised"}
	for n := 1; n <= many; n++ {
		want = append(want, fmt.Sprintf("ticket line: %d", n))
	}
	for n := 1; n <= many; n++ {
		want = append(want, fmt.Sprintf("event ticket.updated of T-000001, evt-%d", many-n))
	}
	want = append(want, slices.Repeat([]string{"delivered ticket.updated to desk, 0 attempts"}, many)...)
	var got []string
	for _, s := range trace.Steps {
		if !s.At.Equal(at) {
			t.Fatalf("%+v is at %s", s, s.At)
		}
		got = append(got, string(s.Kind)+" "+s.Text)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if first := slices.IndexFunc(trace.Steps, func(s views.Step) bool { return s.Ticket == "T-000001" }); first != 2 {
		t.Errorf("the ticket's first line is step %d", first)
	}
}
