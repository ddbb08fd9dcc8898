package tickets_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/rules"
	"telltale/tickets"
)

// amended is an amendment of the alarm that t raised: its onset is moved, its
// end is after, zero for none.
func amended(t rules.Transition, revision int, onset, after time.Duration) rules.Transition {
	t.Before = &rules.Before{PendingSince: t.PendingSince, RaisedAt: t.RaisedAt, Severity: t.Severity, Occurrences: t.Occurrences}
	t.Change, t.Revision, t.At = rules.Amended, revision, t.RaisedAt.Add(30*time.Minute)
	t.RaisedAt, t.PendingSince = t.RaisedAt.Add(onset), t.PendingSince.Add(onset)
	if after > 0 {
		t.ClearedAt = t.RaisedAt.Add(after)
	}
	t.Values, t.Faults, t.Trace = nil, nil, "p3/10300/2"
	t.Explanation = []string{"Amended: raised earlier. A report arrived late."}
	return t
}

func withdrawn(t rules.Transition, revision int) rules.Transition {
	t = amended(t, revision, 0, 0)
	t.Change = rules.Withdrawn
	t.Explanation = []string{"Withdrawn: it would not have been raised. A report arrived late."}
	return t
}

func TestAnAmendedOnsetKeepsBothVersionsOnAlarmAndTicket(t *testing.T) {
	t.Parallel()
	s := openShop(t, 1)
	raise := raised("warm", fridge(1), noon)
	s.handle(t, raise)
	s.clock = noon.Add(40 * time.Minute)
	s.handle(t, amended(raise, 1, -5*time.Minute, 0))

	got := s.alarm(t)
	want := []tickets.AlarmVersion{{
		RaiseID: raise.AlarmID, Revision: 1, PendingSince: noon.Add(-10 * time.Minute), RaisedAt: noon, Severity: rules.Major, Occurrences: 1,
		ReplacedAt: s.clock, Reason: "Amended: raised earlier. A report arrived late.", Trace: "p3/10300/2",
	}}
	if diff := cmp.Diff(want, got.Earlier); diff != "" {
		t.Errorf("earlier versions (-want +got):\n%s", diff)
	}
	if got.ID != raise.AlarmID || !got.RaisedAt.Equal(noon.Add(-5*time.Minute)) || !got.Active() || len(got.Values) != 2 {
		t.Errorf("alarm %+v", got)
	}
	ticket := s.ticket(t)
	if !says(ticket, tickets.EntryAmended, "raised earlier") || ticket.Status != tickets.New {
		t.Errorf("ticket %s: %v", ticket.Status, kinds(ticket))
	}
	if diff := cmp.Diff([]string{"alarm.raised", "ticket.opened", "alarm.amended", "ticket.updated"}, s.told(t)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestAnAmendmentDecidedAnewHasTheEvidenceOfThatAndKeepsTheFormer(t *testing.T) {
	t.Parallel()
	s := openShop(t, 1)
	evidence := func(average float64, held ...rules.Suppression) rules.Evidence {
		return rules.Evidence{Computed: []rules.Computed{{Call: `avg(temperature, "10m")`, Value: &average, Unit: "Cel"}}, Held: held}
	}
	raise := raised("warm", fridge(1), noon)
	raise.Evidence = evidence(9.4, rules.Suppression{By: "door", Why: "while door was active", From: noon.Add(-time.Minute)})
	anew := amended(raise, 1, -5*time.Minute, 0)
	anew.Values, anew.Faults, anew.Evidence, anew.Severity = nil, raise.Faults, evidence(9.9), rules.Critical
	s.handle(t, raise, anew)
	got := s.alarm(t)
	if diff := cmp.Diff(anew.Evidence, got.Evidence); diff != "" {
		t.Errorf("evidence (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(raise.Evidence, got.Earlier[0].Evidence); diff != "" {
		t.Errorf("evidence of the earlier version (-want +got):\n%s", diff)
	}
	want := []tickets.SeverityStep{{At: anew.At, From: "major", To: "critical", Why: "Amended: raised earlier. A report arrived late."}}
	if diff := cmp.Diff(want, got.Steps); diff != "" || !got.SeverityAt.Equal(anew.At) {
		t.Errorf("changed at %s, steps (-want +got):\n%s", got.SeverityAt, diff)
	}

	s.handle(t, amended(raise, 2, -4*time.Minute, 0)) // of which the raise was not decided anew
	if diff := cmp.Diff(anew.Evidence, s.alarm(t).Evidence); diff != "" {
		t.Errorf("evidence after the second (-want +got):\n%s", diff)
	}
	s.repeat(t, raise, anew)
}

func TestAnAmendmentThatEndsTheAlarmSolvesItsTicketAndOneThatTakesTheEndBackOpensItAgain(t *testing.T) {
	t.Parallel()
	s := openShop(t, 1)
	raise := raised("warm", fridge(1), noon)
	s.handle(t, raise, amended(raise, 1, -time.Minute, 5*time.Minute)) // both in one transaction
	if a, ticket := s.alarm(t), s.ticket(t); a.Active() || len(a.Earlier) != 1 || ticket.Status != tickets.Solved {
		t.Fatalf("alarm %+v, ticket %s", a, ticket.Status)
	}
	s.handle(t, amended(raise, 2, 0, 0))
	if a, ticket := s.alarm(t), s.ticket(t); !a.Active() || len(a.Earlier) != 2 || ticket.Status != tickets.Open {
		t.Fatalf("alarm %+v, ticket %s", a, ticket.Status)
	}
	s.handle(t, then(raise, rules.Cleared, time.Hour)) // of a version that was amended since
	if !s.alarm(t).Active() {
		t.Error("an end of an earlier version ended the alarm")
	}
}

func TestAWithdrawnAlarmSolvesATicketThatNobodyHasTakenUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		rule string
		act  func(t *testing.T, s *shop, ticket string)
		want tickets.Status
	}{
		{"untouched", "warm", func(*testing.T, *shop, string) {}, tickets.Solved},
		{"untouched, and the rule latches", "latched", func(*testing.T, *shop, string) {}, tickets.Solved},
		{"a person has commented", "warm", func(t *testing.T, s *shop, id string) {
			if _, err := s.desk.Comment(t.Context(), id, "ana", "On my way.", false); err != nil {
				t.Fatal(err)
			}
		}, tickets.New},
		{"a person is assigned", "warm", func(t *testing.T, s *shop, id string) { assign(t, s, id) }, tickets.Open},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, 1)
			raise := raised(c.rule, fridge(1), noon)
			s.handle(t, raise)
			c.act(t, s, s.ticket(t).ID)
			s.handle(t, withdrawn(raise, 1))

			got, ticket := s.alarm(t), s.ticket(t)
			if got.Open() || got.WithdrawnAt.IsZero() || len(got.Earlier) != 1 {
				t.Errorf("alarm %+v", got)
			}
			if ticket.Status != c.want || !says(ticket, tickets.EntryWithdrawn, "would not have been raised") {
				t.Errorf("ticket %s: %v", ticket.Status, kinds(ticket))
			}
			if solved := says(ticket, tickets.EntrySolved, "withdrawn by late readings"); solved != (c.want == tickets.Solved) {
				t.Errorf("says that it is solved: %v", solved)
			}
			if !slices.Contains(s.told(t), "alarm.withdrawn") {
				t.Errorf("events %v", s.told(t))
			}
			s.handle(t, raised(c.rule, fridge(1), noon.Add(time.Hour))) // nothing stands in its way
			if n := len(s.alarms(t)); n != 2 {
				t.Errorf("%d alarms", n)
			}
		})
	}
}

func TestAnAlarmThatIsOverWhenItBecomesKnownMakesASolvedTicketAndLeavesTheOpenOneAlone(t *testing.T) {
	t.Parallel()
	s := openShop(t, 1)
	over := raised("quiet", fridge(1), noon.Add(-time.Hour))
	over.Key.Rule, over.ClearedAt = "warm", noon.Add(-30*time.Minute)
	s.handle(t, over)
	if ticket := s.ticket(t); ticket.Status != tickets.Solved || !says(ticket, tickets.EntryCleared, "became known late") {
		t.Errorf("ticket %s: %v", ticket.Status, kinds(ticket))
	}
	if diff := cmp.Diff([]string{"alarm.raised", "ticket.opened", "alarm.cleared", "ticket.solved"}, s.told(t)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}

	current := raised("warm", fridge(1), noon)
	another := over
	another.AlarmID, another.RaisedAt, another.ClearedAt = "A-another", noon.Add(-20*time.Minute), noon.Add(-10*time.Minute)
	s.handle(t, current)
	s.handle(t, another)
	active := 0
	for _, a := range s.alarms(t) {
		if a.Active() {
			active++
		}
	}
	if list := s.tickets(t); active != 1 || len(list) != 2 || list[0].Status != tickets.New || len(list[0].AlarmIDs) != 2 {
		t.Errorf("%d active alarms, %d tickets, the latest %+v", active, len(list), list[0])
	}
	s.handle(t, then(current, rules.Cleared, time.Hour))
	if list := s.tickets(t); list[0].Status != tickets.Solved {
		t.Errorf("the ticket is %s", list[0].Status)
	}
}

func TestALatchedAlarmTakesInWhatWasOver(t *testing.T) {
	t.Parallel()
	s := openShop(t, 1)
	first := raised("latched", fridge(1), noon)
	over := raised("latched", fridge(1), noon.Add(-time.Hour))
	over.ClearedAt = noon.Add(-30 * time.Minute)
	s.handle(t, first, over)
	if a := s.alarm(t); !a.Active() || a.RaiseID != first.AlarmID {
		t.Errorf("alarm %+v", a)
	}
	if ticket := s.ticket(t); !says(ticket, tickets.EntryJoined, "became known late") {
		t.Errorf("ticket: %v", kinds(ticket))
	}
}

func TestAmendmentsOfOneOfSeveralRaisesLeaveTheOthersAlone(t *testing.T) {
	t.Parallel()
	s := openShop(t, 1)
	first, second := raised("latched", fridge(1), noon), raised("latched", fridge(1), noon.Add(time.Hour))
	s.handle(t, first, then(first, rules.Cleared, 10*time.Minute), second)
	s.handle(t, withdrawn(first, 1))
	if a := s.alarm(t); !a.Active() || !a.WithdrawnAt.IsZero() {
		t.Errorf("after the first raise was withdrawn: %+v", a)
	}
	s.handle(t, withdrawn(second, 1))
	if a := s.alarm(t); a.Active() || !a.Open() || len(a.Earlier) != 2 {
		t.Errorf("after the second: %+v", a)
	}
}

func TestAmendmentsAgainChangeNothing(t *testing.T) {
	t.Parallel()
	s := openShop(t, 1)
	warm := raised("warm", fridge(1), noon)
	again := raised("warm", fridge(1), noon.Add(3*time.Hour))
	over := raised("quiet", fridge(1), noon)
	over.ClearedAt = noon.Add(time.Minute)
	story := []rules.Transition{
		warm, times(then(warm, rules.Repeated, time.Minute), 12), amended(times(warm, 7), 1, -time.Minute, 0),
		amended(times(warm, 9), 2, 0, time.Hour), again, withdrawn(again, 1), over,
	}
	s.handle(t, story...)
	s.repeat(t, story...)
	if a, ticket := s.alarms(t)[0], s.tickets(t)[0]; a.Occurrences > ticket.Occurrences {
		t.Errorf("%d and %d occurrences", a.Occurrences, ticket.Occurrences)
	}
}

// An end that is taken back and a raise that goes on are one way: to be
// acknowledged anew, as grave as it is now, and the ticket open again.
func TestAnAlarmThatDidNotEndAfterAllGoesOnLikeOneThatIsRaisedAgain(t *testing.T) {
	t.Parallel()
	outcome := func(story func(first rules.Transition) []rules.Transition) (*tickets.Alarm, *tickets.Ticket) {
		s := openShop(t, 1)
		first := raised("warm", fridge(1), noon)
		first.Severity = rules.Critical
		s.handle(t, first)
		if _, err := s.desk.AcknowledgeAlarm(t.Context(), first.AlarmID, "ana", "Seen."); err != nil {
			t.Fatal(err)
		}
		s.handle(t, then(first, rules.Cleared, time.Minute))
		if ticket := s.ticket(t); ticket.Status != tickets.Solved {
			t.Fatalf("ticket %+v", ticket)
		}
		s.handle(t, story(first)...)
		return s.alarm(t), s.ticket(t)
	}
	corrected, correctedTicket := outcome(func(first rules.Transition) []rules.Transition {
		one := amended(first, 1, 0, 0)
		one.Severity = rules.Major
		return []rules.Transition{one}
	})
	again, againTicket := outcome(func(first rules.Transition) []rules.Transition {
		return []rules.Transition{again(first, time.Hour)}
	})
	for name, a := range map[string]*tickets.Alarm{"corrected": corrected, "raised again": again} {
		if !a.Active() || !a.AcknowledgedAt.IsZero() || a.Severity != rules.Major || a.Latched {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if correctedTicket.Status != againTicket.Status || correctedTicket.Status != tickets.Open ||
		!says(correctedTicket, tickets.EntryReopened, "its condition holds") || !says(againTicket, tickets.EntryReopened, "its condition holds") {
		t.Errorf("tickets %s: %v, %s: %v", correctedTicket.Status, kinds(correctedTicket), againTicket.Status, kinds(againTicket))
	}
}

func TestAnAmendedSeverityMovesThePriorityBothWays(t *testing.T) {
	t.Parallel()
	s := openShop(t, 1)
	raise := raised("warm", fridge(1), noon)
	s.handle(t, raise)
	first := s.ticket(t).Priority
	graver := amended(raise, 1, 0, 0)
	graver.Severity, graver.Chattering = rules.Critical, true
	s.handle(t, graver)
	if a := s.alarm(t); a.Severity != rules.Critical || !a.Chattering {
		t.Errorf("alarm %+v", a)
	}
	if got := s.ticket(t).Priority; got == first && first != tickets.Urgent {
		t.Errorf("priority %s stays %s", first, got)
	}
	s.handle(t, amended(raise, 2, 0, 0))
	if a := s.alarm(t); a.Severity != raise.Severity || a.Chattering {
		t.Errorf("alarm %+v", a)
	}
	if got := s.ticket(t).Priority; got != first {
		t.Errorf("priority %s, at first %s", got, first)
	}
	s.handle(t, then(raise, rules.Escalated, time.Minute)) // of a version that was amended since
	if a := s.alarm(t); a.Severity != raise.Severity {
		t.Errorf("alarm %+v", a)
	}
}

// A raise that is over already and went on with an earlier alarm ends with it;
// one that lies before the end of that is taken in.
func TestWhatIsOverGoesOnWithTheAlarmBeforeIt(t *testing.T) {
	t.Parallel()
	s := openShop(t, 2)
	first := raised("warm", fridge(1), noon)
	over := again(first, 20*time.Minute)
	over.ClearedAt = noon.Add(25 * time.Minute)
	s.handle(t, first, then(first, rules.Cleared, time.Minute), over)
	if a, ticket := s.alarm(t), s.ticket(t); a.Active() || !a.ClearedAt.Equal(over.ClearedAt) || a.RaiseID != over.AlarmID ||
		ticket.Status != tickets.Solved || !says(ticket, tickets.EntryCleared, "5 min after it was raised; both became known late") {
		t.Errorf("alarm %+v, ticket %v", a, kinds(ticket))
	}
	before := again(first, 10*time.Minute)
	before.ClearedAt = noon.Add(12 * time.Minute)
	s.handle(t, before)
	if a, ticket := s.alarm(t), s.ticket(t); !a.ClearedAt.Equal(over.ClearedAt) || a.RaiseID != over.AlarmID ||
		!says(ticket, tickets.EntryJoined, "belongs to an alarm that went on") {
		t.Errorf("alarm %+v, ticket %v", a, kinds(ticket))
	}
	s.repeat(t, first, then(first, rules.Cleared, time.Minute), over, before)
}

func TestAnAmendmentEndsAShelfWithTheCondition(t *testing.T) {
	t.Parallel()
	s := openShop(t, 1)
	raise := raised("warm", fridge(1), noon)
	s.handle(t, raise)
	if _, err := s.desk.ShelveAlarm(t.Context(), raise.AlarmID, "ana", s.clock.Add(time.Hour), "Known."); err != nil {
		t.Fatal(err)
	}
	s.handle(t, amended(raise, 1, 0, 5*time.Minute))
	if a := s.alarm(t); a.Active() || a.UnshelvedAt.IsZero() {
		t.Errorf("alarm %+v", a)
	}
}
