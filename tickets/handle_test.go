package tickets_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"telltale/devices"
	"telltale/internal/postgres"
	"telltale/rules"
	"telltale/tickets"
)

func TestAnAlarmOpensATicketThatSaysWhy(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	s.handle(t, raised("warm", fridge(1), noon))

	got := s.ticket(t)
	want := &tickets.Ticket{
		ID: got.ID, Number: got.Number, Status: tickets.New, Priority: tickets.Urgent,
		Subject:  "fridge-1: compartment at 9.4 °C",
		DedupKey: "warm on device fridge-1", CustomerID: "C-1", ContactID: "P-1", DeviceID: "fridge-1", RuleID: "warm",
		AlarmIDs: []string{raised("warm", fridge(1), noon).AlarmID}, Team: "appliances", ArticleID: "KB-21",
		Occurrences: 1, ObservedAt: noon, OpenedAt: noon, UpdatedAt: noon, ExternalRefs: map[string]string{},
		Timeline: []tickets.Entry{
			{ID: 1, At: noon, Actor: "telltale", Kind: "opened", Trace: "p3/10293/17", Text: "Opened by rule warm, version 3 " +
				"(Compartment too warm), severity major, raised at 2026-03-01 12:00:00 UTC. " +
				"It had held since 2026-03-01 11:50:00 UTC.\n" +
				"For Customer 1 (C-1), who owned fridge-1 then.\n" +
				"Priority urgent: severity major, customer tier gold."},
			{ID: 2, At: noon, Actor: "telltale", Kind: "explanation", Trace: "p3/10293/17",
				Text: "temperature was 9.4, above 8.\nIt had been for 10 minutes."},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ticket (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"alarm.raised", "ticket.opened"}, s.told(t)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestTheSameTransitionsAgainChangeNothing(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	warm, latched := raised("warm", fridge(1), noon), raised("latched", fridge(1), noon)
	later := raised("latched", fridge(1), noon.Add(time.Hour))
	escalated := then(warm, rules.Escalated, 30*time.Minute)
	escalated.Severity = rules.Critical
	story := []rules.Transition{
		warm, latched, times(then(warm, rules.Repeated, time.Minute), 12), escalated,
		then(latched, rules.Cleared, 10*time.Minute), later, times(then(later, rules.Repeated, time.Minute), 5),
		then(warm, rules.Cleared, 40*time.Minute), then(later, rules.Cleared, time.Hour),
		raised("warm", fridge(1), noon.Add(2*time.Hour)), raised("quiet", fridge(1), noon),
	}
	s.handle(t, story...)
	s.repeat(t, story...)
	s.repeat(t, story[3:7]...)
}

func TestAStoryEndsTheSameHoweverItIsCutIntoTransactions(t *testing.T) {
	t.Parallel()
	warm := raised("warm", fridge(1), noon)
	again := raised("warm", fridge(1), noon.Add(3*time.Hour))
	latched := raised("latched", fridge(1), noon)
	relatched := raised("latched", fridge(1), noon.Add(time.Hour))
	story := []rules.Transition{
		warm, times(then(warm, rules.Repeated, time.Minute), 100), then(warm, rules.Cleared, time.Hour),
		again, latched, then(latched, rules.Cleared, time.Minute), relatched, then(again, rules.Cleared, time.Hour),
	}
	whole := openShop(t, 3)
	whole.handle(t, story...)
	single := openShop(t, 3)
	for _, transition := range story {
		single.handle(t, transition)
	}
	if diff := cmp.Diff(whole.everything(t), single.everything(t)); diff != "" {
		t.Errorf("in one transaction and in many (-one +many):\n%s", diff)
	}
}

func TestAHundredAtOnceMakeOneAlarmAndOneTicket(t *testing.T) {
	t.Parallel()
	for name, distance := range map[string]time.Duration{"the same raise": 0, "raises a second apart": time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, 3)
			var all sync.WaitGroup
			errs := make(chan error, 100)
			for i := range 100 {
				all.Go(func() {
					errs <- s.try(t.Context(), raised("warm", fridge(1), noon.Add(time.Duration(i)*distance)))
				})
			}
			all.Wait()
			close(errs)
			for err := range errs {
				if err != nil {
					t.Error(err)
				}
			}
			alarm := s.alarm(t)
			ticket := s.ticket(t)
			want := int64(1)
			if distance > 0 {
				want = 100 // each is an occurrence
			}
			if alarm.Occurrences != want || ticket.Occurrences != want {
				t.Errorf("%d and %d occurrences, want %d", alarm.Occurrences, ticket.Occurrences, want)
			}
		})
	}
}

func TestAThousandRepeatsAreACount(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("warm", fridge(1), noon)
	s.handle(t, first)
	var repeats []rules.Transition
	for i := range 1000 {
		repeats = append(repeats, times(then(first, rules.Repeated, time.Duration(i)*time.Minute), int64(i+1)))
	}
	for batch := range slices.Chunk(repeats, 37) {
		s.handle(t, batch...)
	}
	ticket := s.ticket(t)
	if ticket.Occurrences != 1000 || s.alarm(t).Occurrences != 1000 {
		t.Errorf("%d occurrences, want 1000", ticket.Occurrences)
	}
	want := []string{"opened", "explanation", "occurrence", "occurrence", "occurrence"} // at 10, 100 and 1,000
	if diff := cmp.Diff(want, kinds(ticket)); diff != "" {
		t.Errorf("timeline (-want +got):\n%s", diff)
	}
}

func TestATicketIsSolvedWhenItsAlarmClears(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("warm", fridge(1), noon)
	s.handle(t, first)
	s.clock = noon.Add(time.Hour)
	s.handle(t, then(first, rules.Cleared, 41*time.Minute))

	ticket, alarm := s.ticket(t), s.alarm(t)
	if ticket.Status != tickets.Solved || !ticket.SolvedAt.Equal(s.clock) || !alarm.ClearedAt.Equal(noon.Add(41*time.Minute)) {
		t.Errorf("%s, solved at %s, cleared at %s", ticket.Status, ticket.SolvedAt, alarm.ClearedAt)
	}
	if !says(ticket, "cleared", "41 min after it was raised") || !says(ticket, "solved", "Solved by itself") {
		t.Errorf("timeline %+v", ticket.Timeline)
	}
	want := []string{"alarm.raised", "ticket.opened", "alarm.cleared", "ticket.solved"}
	if diff := cmp.Diff(want, s.told(t)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestAFaultThatComesBackMakesANewTicketThatNamesTheOld(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		after time.Duration
		links bool
	}{{"soon", 3 * time.Hour, true}, {"after days", 50 * time.Hour, false}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, 3)
			first := raised("warm", fridge(1), noon)
			s.handle(t, first, then(first, rules.Cleared, time.Minute))
			old := s.ticket(t)
			s.clock = noon.Add(tt.after)
			s.handle(t, raised("warm", fridge(1), s.clock))

			list := s.tickets(t)
			if len(list) != 2 || list[0].Status != tickets.New || list[1].Status != tickets.Solved {
				t.Fatalf("tickets %+v", list)
			}
			if got := says(s.read(t, list[0].ID), "earlier", old.ID); got != tt.links {
				t.Errorf("names the earlier ticket: %v, want %v", got, tt.links)
			}
		})
	}
}

func TestTheCustomerIsWhoOwnedTheDeviceAtTheFault(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	beforeSale := raised("warm", fridge(2), noon.Add(-time.Second))
	s.clock = noon.Add(time.Hour) // it is told when the new owner has it
	s.handle(t, beforeSale, then(beforeSale, rules.Cleared, time.Minute))
	s.handle(t, raised("warm", fridge(2), noon), raised("warm", fridge(3), noon))

	got := map[string]string{}
	for _, ticket := range s.tickets(t) {
		got[ticket.DeviceID+" "+ticket.ObservedAt.Format(time.TimeOnly)] = ticket.CustomerID
		if full := s.read(t, ticket.ID); says(full, "earlier", "T-") {
			t.Errorf("%s of %s names a ticket of another customer", ticket.ID, ticket.CustomerID)
		}
	}
	want := map[string]string{"fridge-2 11:59:59": "C-2", "fridge-2 12:00:00": "C-3", "fridge-3 12:00:00": ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("customers (-want +got):\n%s", diff)
	}
}

func TestANewOwnersFaultDoesNotJoinTheFormerOwnersTicket(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	old := raised("warm", fridge(2), noon.Add(-time.Hour))
	s.handle(t, old)
	hold(t, s, s.ticket(t).ID)
	s.handle(t, then(old, rules.Cleared, time.Minute))
	s.handle(t, raised("warm", fridge(2), noon.Add(time.Hour)))

	list := s.tickets(t)
	if len(list) != 2 || list[0].CustomerID != "C-3" || list[1].CustomerID != "C-2" || len(list[1].AlarmIDs) != 1 {
		t.Errorf("tickets %+v", list)
	}
}

func TestATicketThatAPersonHoldsIsLeftToThem(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("warm", fridge(1), noon)
	s.handle(t, first)
	hold(t, s, s.ticket(t).ID)
	s.handle(t, then(first, rules.Cleared, time.Minute))
	ticket := s.ticket(t)
	if ticket.Status != tickets.OnHold || !says(ticket, "cleared", "Left on hold") {
		t.Errorf("%s: %+v", ticket.Status, ticket.Timeline)
	}

	// The fault comes back: the same ticket, one alarm more.
	second := raised("warm", fridge(1), noon.Add(time.Hour))
	s.handle(t, second)
	ticket = s.ticket(t)
	if len(ticket.AlarmIDs) != 2 || ticket.Occurrences != 2 || !says(ticket, "joined", "no second one was opened") {
		t.Errorf("%+v", ticket)
	}
}

func TestAnAssignedTicketIsStillSolvedByItself(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("warm", fridge(1), noon)
	s.handle(t, first)
	assign(t, s, s.ticket(t).ID)
	if got := s.ticket(t).Status; got != tickets.Open {
		t.Errorf("an assigned ticket is %s, want open", got)
	}
	s.handle(t, then(first, rules.Cleared, time.Minute))
	if got := s.ticket(t).Status; got != tickets.Solved {
		t.Errorf("it is %s, want solved", got)
	}
}

func TestEscalationRaisesSeverityAndPriority(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("warm", fridge(2), noon) // standard tier: high
	up := then(first, rules.Escalated, 30*time.Minute)
	up.Severity = rules.Critical
	s.handle(t, first)
	s.handle(t, up)
	ticket, alarm := s.ticket(t), s.alarm(t)
	if alarm.Severity != rules.Critical || ticket.Priority != tickets.Urgent {
		t.Errorf("severity %s, priority %s", alarm.Severity, ticket.Priority)
	}
	if !says(ticket, "escalated", "from major to critical") || !says(ticket, "priority", "from high to urgent") {
		t.Errorf("timeline %+v", ticket.Timeline)
	}
	if told := s.told(t); !slices.Contains(told, "alarm.escalated") || !slices.Contains(told, "ticket.updated") {
		t.Errorf("told %v", told)
	}
}

func TestALatchedAlarmStaysOpenUntilAcknowledged(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("latched", fridge(1), noon)
	s.handle(t, first, then(first, rules.Cleared, time.Minute))
	ticket := s.ticket(t)
	if ticket.Status != tickets.New || !says(ticket, "cleared", "latches") {
		t.Fatalf("%s: %+v", ticket.Status, ticket.Timeline)
	}

	// Raised again meanwhile: the same alarm, one occurrence more.
	second := raised("latched", fridge(1), noon.Add(time.Hour))
	s.handle(t, second, times(then(second, rules.Repeated, time.Minute), 4))
	alarm := s.alarm(t)
	if !alarm.Active() || alarm.Occurrences != 5 || s.ticket(t).Occurrences != 5 || alarm.ID != first.AlarmID {
		t.Fatalf("%+v", alarm)
	}
	open, err := s.db.OpenAlarms(t.Context())
	if err != nil || len(open) != 1 || open[0].AlarmID != second.AlarmID || open[0].Occurrences != 4 {
		t.Errorf("the engine is told %+v, %v; want what it knows of the second raise", open, err)
	}
	s.handle(t, then(first, rules.Cleared, time.Minute)) // of the first raise, again
	if !s.alarm(t).Active() {
		t.Fatal("the end of the first raise, told again, ended the second")
	}
	s.handle(t, then(second, rules.Cleared, time.Minute))

	if _, err := s.desk.AcknowledgeAlarm(t.Context(), alarm.ID, "ana", "Thawed goods thrown away."); err != nil {
		t.Fatal(err)
	}
	ticket = s.ticket(t)
	if ticket.Status != tickets.Solved || !says(ticket, "acknowledged", "thrown away") {
		t.Errorf("%s: %+v", ticket.Status, ticket.Timeline)
	}
	s.handle(t, raised("latched", fridge(1), noon.Add(3*time.Hour)))
	if n := len(s.alarms(t)); n != 2 {
		t.Errorf("%d alarms, want a second one after the acknowledgement", n)
	}
}

func TestAnAlarmThatTheEngineStillHasIsRevived(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("warm", fridge(1), noon)
	s.handle(t, first, then(first, rules.Cleared, time.Minute))
	reconciled := first
	reconciled.Trace = "" // told by the engine itself after a restart
	for range 2 {
		s.handle(t, reconciled)
		if ticket, alarm := s.ticket(t), s.alarm(t); !alarm.Active() || ticket.Status != tickets.Open || !says(ticket, "reopened", "its condition holds") {
			t.Fatalf("%+v\n%+v", alarm, ticket)
		}
	}
	s.handle(t, then(first, rules.Cleared, time.Hour))
	if got := s.ticket(t).Status; got != tickets.Solved {
		t.Errorf("it is %s, want solved", got)
	}
	want := []string{"alarm.raised", "ticket.opened", "alarm.cleared", "ticket.solved",
		"alarm.raised", "ticket.updated", "alarm.cleared", "ticket.solved"}
	if diff := cmp.Diff(want, s.told(t)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestShadowAlarmsAreRowsAndNothingElse(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	shadow := raised("shadow", fridge(1), noon)
	shadow.Mode = rules.Shadow
	s.handle(t, shadow, times(then(shadow, rules.Repeated, time.Minute), 7), then(shadow, rules.Cleared, time.Hour))
	if a := s.alarm(t); a.Active() || a.Occurrences != 7 || a.Mode != rules.Shadow {
		t.Errorf("%+v", a)
	}
	if _, err := s.desk.AcknowledgeAlarm(t.Context(), shadow.AlarmID, "ana", "Would have been right."); err != nil {
		t.Error(err)
	}
	if len(s.tickets(t)) != 0 || len(s.told(t)) != 0 {
		t.Errorf("%d tickets, events %v", len(s.tickets(t)), s.told(t))
	}
}

func TestARuleWithoutTicketsIsToldAndOpensNone(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	quiet := raised("quiet", fridge(1), noon)
	s.handle(t, quiet, then(quiet, rules.Cleared, time.Hour))
	if diff := cmp.Diff([]string{"alarm.raised", "alarm.cleared"}, s.told(t)); diff != "" || len(s.tickets(t)) != 0 {
		t.Errorf("%d tickets, events (-want +got):\n%s", len(s.tickets(t)), diff)
	}
}

func TestARuleThatIsGoneStillHasItsAlarmTicketed(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	gone := raised("gone", fridge(1), noon)
	s.handle(t, gone)
	if got := s.ticket(t).Subject; got != "fridge-1: gone" {
		t.Errorf("subject %q", got)
	}
	s.handle(t, then(gone, rules.Cleared, time.Minute))
	if got := s.ticket(t).Status; got != tickets.Solved {
		t.Errorf("status %s", got)
	}
}

func TestAnEndOfSomethingUnknownIsNoError(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	never := raised("warm", fridge(1), noon)
	s.handle(t, then(never, rules.Cleared, time.Minute), then(never, rules.Repeated, time.Minute), then(never, rules.Escalated, time.Minute))
	if n := len(s.alarms(t)); n != 0 {
		t.Errorf("%d alarms", n)
	}
}

func TestWhatADeviceSendsCannotBreakTheStore(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	evil := raised("warm", fridge(1), noon)
	evil.Values = map[string]devices.Value{"mo\x00de": devices.Label("a\x00\xffb"), "temperature": devices.Number(nan())}
	evil.Faults = []string{"E\x00", "\xff"}
	evil.Explanation = []string{"mode was a\x00\xffb"}
	evil.Trace = "p\x00"
	s.handle(t, evil)
	if got := s.ticket(t).Subject; got != "fridge-1: compartment at unknown °C" {
		t.Errorf("subject %q", got)
	}
}

func nan() float64 { zero := 0.0; return zero / zero }

// TestATransactionKilledInTheMiddleLeavesNothing ends the server's side of
// the connection between the desk's work and the commit.
func TestATransactionKilledInTheMiddleLeavesNothing(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	err := s.transact(t.Context(), func(store tickets.Store) error {
		if err := s.desk.Handle(t.Context(), store, []rules.Transition{raised("warm", fridge(1), noon)}, noon); err != nil {
			return err
		}
		s.killOthers(t)
		return nil
	})
	if err == nil {
		t.Fatal("the commit went through")
	}
	if len(s.alarms(t)) != 0 || len(s.tickets(t)) != 0 || len(s.told(t)) != 0 {
		t.Fatal("something was left")
	}
	s.handle(t, raised("warm", fridge(1), noon))
	s.ticket(t)
}

// killOthers ends all connections to the shop's database.
func (s *shop) killOthers(t *testing.T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	_, err = conn.Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity
		where datname = current_database() and pid <> pg_backend_pid()`)
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnErrorAfterTheDesksWorkUndoesIt(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	fenced := errors.New("fenced")
	err := s.db.InTx(t.Context(), func(tx *postgres.DB) error {
		if err := s.desk.Handle(t.Context(), tx, []rules.Transition{raised("warm", fridge(1), noon)}, noon); err != nil {
			return err
		}
		if events, _, err := tx.EventsAfter(t.Context(), 0, 10); err != nil || len(events) == 0 {
			t.Errorf("nothing was written: %v", err)
		}
		return fenced
	})
	if !errors.Is(err, fenced) || len(s.alarms(t)) != 0 || len(s.told(t)) != 0 {
		t.Errorf("%v, %d alarms", err, len(s.alarms(t)))
	}
}

// TestAPersonAndAWorkerAtOnceLoseNothing has a person change a ticket while
// its alarm repeats and clears.
func TestAPersonAndAWorkerAtOnceLoseNothing(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("warm", fridge(1), noon)
	s.handle(t, first)
	id := s.ticket(t).ID

	var all sync.WaitGroup
	errs := make(chan error, 100)
	for i := range 50 {
		all.Go(func() {
			errs <- s.try(t.Context(), times(then(first, rules.Repeated, time.Minute), int64(i+2)))
		})
		all.Go(func() {
			_, err := s.desk.Comment(t.Context(), id, "ana", "Looking into it.", false)
			errs <- err
		})
	}
	all.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	ticket := s.ticket(t)
	comments := 0
	for _, kind := range kinds(ticket) {
		if kind == "comment" {
			comments++
		}
	}
	if comments != 50 || ticket.Occurrences != 51 {
		t.Errorf("%d comments, %d occurrences; want 50 and 51", comments, ticket.Occurrences)
	}
}

func TestAlarmsOfManyTransactionsDoNotDeadlock(t *testing.T) {
	t.Parallel()
	const workers, fridges = 8, 40
	s := openShop(t, fridges)
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			var story []rules.Transition
			for i := range fridges { // each worker goes round in another order; 40 has no divisor in common with the steps
				step := []int{1, 3, 7, 9, 11, 13, 17, 19}[w]
				first := raised("warm", fridge((i*step+w)%fridges+1), noon)
				story = append(story, first, times(then(first, rules.Repeated, time.Minute), int64(w+2)))
			}
			if err := s.try(t.Context(), story...); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, ticket := range s.tickets(t) {
		if ticket.Occurrences != workers+1 {
			t.Errorf("%s has %d occurrences, want %d", ticket.DeviceID, ticket.Occurrences, workers+1)
		}
	}
	if n := len(s.tickets(t)); n != fridges {
		t.Errorf("%d tickets, want %d", n, fridges)
	}
}

// hold puts a ticket on hold by a person.
func hold(t testing.TB, s *shop, id string) {
	t.Helper()
	set(t, s, id, tickets.OnHold)
}

// assign gives a ticket to ana.
func assign(t testing.TB, s *shop, id string) {
	t.Helper()
	ana := "ana"
	if _, err := s.desk.Update(t.Context(), id, "boss", tickets.Patch{Assignee: &ana}); err != nil {
		t.Fatal(err)
	}
}

func set(t testing.TB, s *shop, id string, status tickets.Status) {
	t.Helper()
	if _, err := s.desk.Update(t.Context(), id, "ana", tickets.Patch{Status: &status}); err != nil {
		t.Fatal(err)
	}
}

func TestHandleSaysWhatItWasDoingWhenTheStoreFails(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.desk.Handle(ctx, s.db, []rules.Transition{raised("warm", fridge(1), noon)}, noon)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "load alarms and tickets of 1 transitions") {
		t.Errorf("error %v", err)
	}
}
