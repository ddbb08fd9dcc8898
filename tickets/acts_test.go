package tickets_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/rules"
	"telltale/tickets"
)

func TestWhatAPersonMayNotDoIsSaidInASentence(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("warm", fridge(1), noon)
	s.handle(t, first)
	id := s.ticket(t).ID
	update := func(p tickets.Patch) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := s.desk.Update(ctx, id, "ana", p)
			return err
		}
	}
	tests := []struct {
		name string
		do   func(context.Context) error
		want error
		says string
	}{
		{"an unknown ticket", func(ctx context.Context) error {
			_, err := s.desk.Comment(ctx, "T-000099", "ana", "Hello", false)
			return err
		}, tickets.ErrNotFound, `There is no ticket "T-000099".`},
		{"what is no ticket id", func(ctx context.Context) error {
			_, err := s.desk.Comment(ctx, "42", "ana", "Hello", false)
			return err
		}, tickets.ErrNotFound, `There is no ticket "42".`},
		{"a blank comment", func(ctx context.Context) error {
			_, err := s.desk.Comment(ctx, id, "ana", " \n ", false)
			return err
		}, tickets.ErrInvalid, "A comment is required."},
		{"an endless comment", func(ctx context.Context) error {
			_, err := s.desk.Comment(ctx, id, "ana", strings.Repeat("é", 10_001), false)
			return err
		}, tickets.ErrInvalid, "longer than 10000"},
		{"nobody", func(ctx context.Context) error {
			_, err := s.desk.Comment(ctx, id, " ", "Hello", false)
			return err
		}, tickets.ErrInvalid, "who does this"},
		{"an unknown status", update(tickets.Patch{Status: ptr(tickets.Status("done"))}), tickets.ErrInvalid, `no status "done"`},
		{"an unknown priority", update(tickets.Patch{Priority: ptr(tickets.Priority("asap"))}), tickets.ErrInvalid, `no priority "asap"`},
		{"back to new", func(ctx context.Context) error {
			if err := update(tickets.Patch{Status: ptr(tickets.Open)})(ctx); err != nil {
				return err
			}
			return update(tickets.Patch{Status: ptr(tickets.New)})(ctx)
		}, tickets.ErrConflict, "does not become new again"},
		{"closing what is not solved", update(tickets.Patch{Status: ptr(tickets.Closed)}), tickets.ErrConflict, "can be closed when it is solved"},
		{"an acknowledgement without a comment", func(ctx context.Context) error {
			_, err := s.desk.AcknowledgeAlarm(ctx, first.AlarmID, "ana", "")
			return err
		}, tickets.ErrInvalid, "A comment is required."},
		{"an unknown alarm", func(ctx context.Context) error {
			_, err := s.desk.AcknowledgeAlarm(ctx, "A-9", "ana", "Seen")
			return err
		}, tickets.ErrNotFound, `There is no alarm "A-9".`},
		{"shelving into the past", func(ctx context.Context) error {
			_, err := s.desk.ShelveAlarm(ctx, first.AlarmID, "ana", noon, "Defrosting")
			return err
		}, tickets.ErrInvalid, "in the future"},
		{"shelving for ever", func(ctx context.Context) error {
			_, err := s.desk.ShelveAlarm(ctx, first.AlarmID, "ana", noon.AddDate(1, 0, 0), "Defrosting")
			return err
		}, tickets.ErrInvalid, "7 d at most"},
		{"shelving without a reason", func(ctx context.Context) error {
			_, err := s.desk.ShelveAlarm(ctx, first.AlarmID, "ana", noon.Add(time.Hour), "")
			return err
		}, tickets.ErrInvalid, "A reason is required."},
	}
	for _, tt := range tests {
		// One after the other: they act on one ticket.
		err := tt.do(t.Context())
		var refusal *tickets.Refusal
		if !errors.Is(err, tt.want) || !errors.As(err, &refusal) || !strings.Contains(refusal.Sentence, tt.says) {
			t.Errorf("%s: error %v, want %v saying %q", tt.name, err, tt.want, tt.says)
		}
	}
}

func TestAPatchIsDoneWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	s.handle(t, raised("warm", fridge(1), noon))
	before := s.everything(t)
	_, err := s.desk.Update(t.Context(), s.ticket(t).ID, "ana",
		tickets.Patch{Priority: ptr(tickets.Low), Assignee: ptr("ana"), Status: ptr(tickets.Closed)})
	if !errors.Is(err, tickets.ErrConflict) {
		t.Fatalf("error %v", err)
	}
	if after := s.everything(t); after != before {
		t.Errorf("half of it was done:\n%s", after)
	}
}

func TestAPatchWritesALineForEachChange(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	s.handle(t, raised("warm", fridge(1), noon))
	id := s.ticket(t).ID
	patch := tickets.Patch{Priority: ptr(tickets.Low), Assignee: ptr("ana"), Team: ptr("cold chain"), Status: ptr(tickets.Pending)}
	got, err := s.desk.Update(t.Context(), id, "boss", patch)
	if err != nil {
		t.Fatal(err)
	}
	if got.Status != tickets.Pending || got.Priority != tickets.Low || got.Assignee != "ana" || got.Team != "cold chain" {
		t.Errorf("%+v", got)
	}
	ticket := s.ticket(t)
	for kind, text := range map[string]string{
		"priority": "from urgent to low", "assigned": "from nobody to ana", "team": "from appliances to cold chain", "status": "to pending",
	} {
		if !says(ticket, kind, text) {
			t.Errorf("no %s entry that says %q: %+v", kind, text, ticket.Timeline)
		}
	}

	lines, events := len(ticket.Timeline), len(s.told(t))
	if _, err := s.desk.Update(t.Context(), id, "boss", patch); err != nil {
		t.Fatal(err)
	}
	if len(s.ticket(t).Timeline) != lines || len(s.told(t)) != events {
		t.Error("wishing what is already so wrote something")
	}
}

func TestSolvingWhileTheConditionHoldsOpensAgainWhenItWorsens(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("warm", fridge(1), noon)
	s.handle(t, first)
	id := s.ticket(t).ID
	set(t, s, id, tickets.Solved)
	if !says(s.ticket(t), "solved", "The condition still holds") {
		t.Errorf("%+v", s.ticket(t).Timeline)
	}
	if _, err := s.desk.Close(t.Context(), id, "ana"); !errors.Is(err, tickets.ErrConflict) {
		t.Errorf("closing with an open alarm: %v", err)
	}
	s.handle(t, times(then(first, rules.Repeated, time.Minute), 5))
	if got := s.ticket(t).Status; got != tickets.Solved {
		t.Errorf("a repetition made it %s", got)
	}

	up := then(first, rules.Escalated, 30*time.Minute)
	up.Severity = rules.Critical
	s.handle(t, up)
	if ticket := s.ticket(t); ticket.Status != tickets.Open || !ticket.SolvedAt.IsZero() || !says(ticket, "reopened", "its condition holds") {
		t.Errorf("%+v", ticket)
	}
	s.handle(t, then(first, rules.Cleared, time.Hour))
	if got := s.ticket(t).Status; got != tickets.Solved {
		t.Errorf("it is %s, want solved", got)
	}
	if _, err := s.desk.Close(t.Context(), id, "ana"); err != nil {
		t.Error(err)
	}
}

func TestSolvingAcknowledgesALatchedAlarm(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("latched", fridge(1), noon)
	s.handle(t, first, then(first, rules.Cleared, time.Minute))
	set(t, s, s.ticket(t).ID, tickets.Solved)
	if a := s.alarm(t); a.AcknowledgedBy != "ana" || a.Open() {
		t.Errorf("%+v", a)
	}
}

func TestAnAlarmIsAcknowledgedOnce(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("warm", fridge(1), noon)
	s.handle(t, first)
	if _, err := s.desk.AcknowledgeAlarm(t.Context(), first.AlarmID, "ana", "On my way."); err != nil {
		t.Fatal(err)
	}
	_, err := s.desk.AcknowledgeAlarm(t.Context(), first.AlarmID, "bob", "Me too.")
	if !errors.Is(err, tickets.ErrConflict) || !strings.Contains(err.Error(), "acknowledged by ana") {
		t.Errorf("error %v", err)
	}
	if ticket := s.ticket(t); ticket.Status != tickets.New || !says(ticket, "acknowledged", "On my way.") {
		t.Errorf("%+v", ticket)
	}
}

func TestAShelvedAlarmEscalatesQuietlyAndEndsAsEver(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("warm", fridge(2), noon)
	s.handle(t, first)
	if _, err := s.desk.ShelveAlarm(t.Context(), first.AlarmID, "ana", noon.Add(time.Hour), "Being cleaned."); err != nil {
		t.Fatal(err)
	}
	up := then(first, rules.Escalated, 30*time.Minute)
	up.Severity = rules.Critical
	s.handle(t, up)
	ticket := s.ticket(t)
	if ticket.Priority != tickets.High || !says(ticket, "escalated", "shelved the alarm until 2026-03-01 13:00:00 UTC: Being cleaned.") {
		t.Errorf("%+v", ticket)
	}
	if got := s.alarm(t).Severity; got != rules.Critical {
		t.Errorf("severity %s, want the truth", got)
	}
	for _, kind := range s.told(t) {
		if kind == "alarm.escalated" {
			t.Error("it was announced")
		}
	}

	s.handle(t, then(first, rules.Cleared, 40*time.Minute))
	if got := s.ticket(t).Status; got != tickets.Solved {
		t.Errorf("it is %s, want solved", got)
	}
	_, err := s.desk.ShelveAlarm(t.Context(), first.AlarmID, "ana", noon.Add(time.Hour), "Again.")
	if !errors.Is(err, tickets.ErrConflict) {
		t.Errorf("shelving what has ended: %v", err)
	}
}

func TestATicketIsNotReopenedBesideItsSuccessor(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("warm", fridge(1), noon)
	s.handle(t, first, then(first, rules.Cleared, time.Minute))
	old := s.ticket(t).ID
	s.handle(t, raised("warm", fridge(1), noon.Add(time.Hour)))
	_, err := s.desk.Update(t.Context(), old, "ana", tickets.Patch{Status: ptr(tickets.Open)})
	if !errors.Is(err, tickets.ErrConflict) || !strings.Contains(err.Error(), "work on that one") {
		t.Errorf("error %v", err)
	}
}

func TestSolvedTicketsAreClosedAfterAWeek(t *testing.T) {
	t.Parallel()
	s := openShop(t, 5)
	for i := range 3 {
		first := raised("warm", fridge(i+1), noon)
		s.handle(t, first, then(first, rules.Cleared, time.Minute))
	}
	going := raised("warm", fridge(4), noon) // solved by a person while its condition holds
	s.handle(t, going)
	set(t, s, s.tickets(t)[0].ID, tickets.Solved)
	s.handle(t, raised("warm", fridge(5), noon)) // not solved

	week := noon.AddDate(0, 0, 7)
	for _, step := range []struct {
		at   time.Time
		want int
	}{{week, 0}, {week.Add(time.Microsecond), 3}, {week.AddDate(1, 0, 0), 0}} {
		n, err := s.desk.CloseSolved(t.Context(), step.at)
		if err != nil || n != step.want {
			t.Errorf("at %s closed %d, %v; want %d", step.at, n, err, step.want)
		}
	}
	s.handle(t, then(going, rules.Cleared, time.Hour))
	if n, err := s.desk.CloseSolved(t.Context(), week.AddDate(1, 0, 0)); err != nil || n != 1 {
		t.Errorf("after its end closed %d, %v; want 1", n, err)
	}
}

func TestAClosedTicketTakesCommentsAndNothingElse(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("warm", fridge(1), noon)
	s.handle(t, first, then(first, rules.Cleared, time.Minute))
	id := s.ticket(t).ID
	if _, err := s.desk.Close(t.Context(), id, "ana"); err != nil {
		t.Fatal(err)
	}
	for _, patch := range []tickets.Patch{
		{Priority: ptr(tickets.Low)}, {Assignee: ptr("ana")}, {Team: ptr("cold")}, {Status: ptr(tickets.Open)},
	} {
		if _, err := s.desk.Update(t.Context(), id, "ana", patch); !errors.Is(err, tickets.ErrConflict) {
			t.Errorf("%+v: %v", patch, err)
		}
	}
	if _, err := s.desk.Comment(t.Context(), id, "ana", "The part came back.", false); err != nil {
		t.Error(err)
	}
}

func TestAnEventTellsTheLinesThatLedToIt(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("warm", fridge(1), noon)
	s.handle(t, first, then(first, rules.Cleared, time.Minute))
	if _, err := s.desk.Comment(t.Context(), s.ticket(t).ID, "ana", "It was the fan.", false); err != nil {
		t.Fatal(err)
	}
	events, _, err := s.db.EventsAfter(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, e := range events {
		if !strings.HasPrefix(e.Type, "ticket.") {
			continue
		}
		var view tickets.View
		if err := json.Unmarshal(e.Data, &view); err != nil {
			t.Fatal(err)
		}
		for _, line := range view.Timeline {
			got[e.Type] = append(got[e.Type], line.Kind)
		}
	}
	want := map[string][]string{
		"ticket.opened": {"opened", "explanation"}, "ticket.solved": {"cleared", "solved"}, "ticket.updated": {"comment"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines by event (-want +got):\n%s", diff)
	}
}

func TestACommentKeepsWhoAndForWhom(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	s.handle(t, raised("warm", fridge(1), noon))
	if _, err := s.desk.Comment(t.Context(), s.ticket(t).ID, "ana", "  A technician comes at 15:00.\n", true); err != nil {
		t.Fatal(err)
	}
	timeline := s.ticket(t).Timeline
	last := timeline[len(timeline)-1]
	if last.Actor != "ana" || last.Text != "A technician comes at 15:00." || !last.Public || last.Kind != "comment" {
		t.Errorf("%+v", last)
	}
}

func ptr[T any](v T) *T { return &v }
