package postgres_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"telltale/devices"
	"telltale/ingest"
	"telltale/internal/postgres"
	"telltale/internal/postgres/pgtest"
	"telltale/internal/views"
)

// refusal is a message that was refused at a minute.
func refusal(id string, reason ingest.Reason, at int, ids ...devices.ID) ingest.Quarantined {
	q := ingest.Quarantined{
		ID: id, Reason: reason, Detail: "detail of " + id, Topic: "site/" + id + "/up", Source: "site", ClientID: "c",
		Payload: []byte(`{"id":"` + id + `"}`), ReceivedAt: minute(at), Devices: ids,
	}
	return q
}

func addRefused(t *testing.T, db *postgres.DB, messages ...ingest.Quarantined) {
	t.Helper()
	if err := db.AddQuarantined(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
}

func listed(t *testing.T, db *postgres.DB, q views.RefusedQuery) []string {
	t.Helper()
	page, err := db.ListQuarantined(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, len(page.Rows))
	for i, r := range page.Rows {
		ids[i] = r.ID
	}
	return ids
}

func TestTheQuarantineIsSearched(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a := refusal("a", ingest.UnknownDevice, 1, "dev-1", "dev-2")
	b := refusal("b", ingest.ImpossibleTime, 2, "dev-1")
	b.ObservedAt = time.Date(1970, 1, 1, 0, 0, 9, 0, time.UTC)
	c := refusal("c", ingest.Malformed, 3)
	c.Topic, c.Payload, c.Detail = "a.b/[x]%_", []byte("\x00\xffneedle\xfe"), "values.t: is no number"
	addRefused(t, db, a, b, c)
	for _, s := range []struct {
		name  string
		query views.RefusedQuery
		want  []string
	}{
		{"all, the latest first", views.RefusedQuery{}, []string{"c", "b", "a"}},
		{"by reason", views.RefusedQuery{Reason: ingest.Malformed}, []string{"c"}},
		{"by any device of the message", views.RefusedQuery{Device: "dev-2"}, []string{"a"}},
		{"by device and reason", views.RefusedQuery{Device: "dev-1", Reason: ingest.ImpossibleTime}, []string{"b"}},
		{"by a part of the topic, taken literally", views.RefusedQuery{Topic: ".b/[x]%_"}, []string{"c"}},
		{"by an MQTT filter", views.RefusedQuery{Topic: "site/+/up"}, []string{"b", "a"}},
		{"by an MQTT filter that is too short", views.RefusedQuery{Topic: "site/+"}, []string{}},
		{"by an MQTT filter with the rest", views.RefusedQuery{Topic: "site/b/up/#"}, []string{"b"}},
		{"by bytes of the payload", views.RefusedQuery{Text: "needle"}, []string{"c"}},
		{"by the detail", views.RefusedQuery{Text: "NO NUMBER"}, []string{"c"}},
		{"a percent sign is no wildcard", views.RefusedQuery{Text: "n%e"}, []string{}},
		{"since, inclusive", views.RefusedQuery{Since: minute(2)}, []string{"c", "b"}},
		{"until, exclusive", views.RefusedQuery{Until: minute(2)}, []string{"a"}},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(s.want, listed(t, db, s.query)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	t.Run("by pages", func(t *testing.T) {
		t.Parallel()
		var all []string
		for q := (views.RefusedQuery{Limit: 1}); ; {
			page, err := db.ListQuarantined(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, page.Rows[0].ID)
			if q.After = page.Next; q.After == "" {
				break
			}
		}
		if diff := cmp.Diff([]string{"c", "b", "a"}, all); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if _, err := db.ListQuarantined(t.Context(), views.RefusedQuery{After: "nonsense"}); !errors.Is(err, views.ErrCursor) {
			t.Errorf("a wrong cursor: %v", err)
		}
	})
	t.Run("one, whole", func(t *testing.T) {
		t.Parallel()
		got, err := db.Refused(t.Context(), "b")
		if err != nil {
			t.Fatal(err)
		}
		want := views.RefusedRow{Quarantined: b, LastAt: b.ReceivedAt, Count: 1}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if _, err := db.Refused(t.Context(), "x"); !errors.Is(err, ingest.ErrNotQuarantined) {
			t.Errorf("one that is not there: %v", err)
		}
	})
}

func TestTheSameMessageIsCountedOncePerArrival(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	first, second := refusal("a", ingest.UnknownDevice, 1, "dev-1"), refusal("a", ingest.UnknownDevice, 5, "dev-1")
	addRefused(t, db, first, second, second)
	addRefused(t, db, first) // as after a crash before the checkpoint
	got, err := db.Refused(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if got.Count != 2 || !got.ReceivedAt.Equal(minute(1)) || !got.LastAt.Equal(minute(5)) {
		t.Errorf("count %d from %s to %s", got.Count, got.ReceivedAt, got.LastAt)
	}
	request(t, db, views.ReplaySelection{IDs: []string{"a"}})
	var replayed []string
	rounds(t, db, 10, accept(&replayed))
	addRefused(t, db, second) // as when the history refuses what the pipeline took
	if got := request(t, db, views.ReplaySelection{Reason: ingest.UnknownDevice}); got.Selected != 1 {
		t.Errorf("refused again after its replay: %d wait, want 1", got.Selected)
	}
	row, err := db.Unclaimed(t.Context(), "dev-1")
	if err != nil || row.Messages != 2 || row.Waiting != 2 {
		t.Errorf("sender %+v, %v", row, err)
	}
}

// accept is a replay that succeeds and notes what it is given.
func accept(into *[]string) replayFunc {
	return each(func(q ingest.Quarantined) (ingest.Verdict, error) {
		*into = append(*into, fmt.Sprintf("%s@%d", q.ID, int(q.ReceivedAt.Sub(minute(0))/time.Minute)))
		return ingest.Verdict{}, nil
	})
}

type replayFunc = func([]ingest.Quarantined) ([]ingest.Verdict, error)

// each replays one message after the other, up to the first error.
func each(one func(ingest.Quarantined) (ingest.Verdict, error)) replayFunc {
	return func(messages []ingest.Quarantined) ([]ingest.Verdict, error) {
		verdicts := make([]ingest.Verdict, len(messages))
		for i, q := range messages {
			var err error
			if verdicts[i], err = one(q); err != nil {
				return nil, err
			}
		}
		return verdicts, nil
	}
}

func request(t *testing.T, db *postgres.DB, s views.ReplaySelection) views.Replay {
	t.Helper()
	replay, err := db.RequestReplay(t.Context(), s, "ewa", minute(1000))
	if err != nil {
		t.Fatal(err)
	}
	return replay
}

// rounds works until there is nothing more to do.
func rounds(t *testing.T, db *postgres.DB, limit int, replay replayFunc) {
	t.Helper()
	for {
		_, more, err := db.ReplayRound(t.Context(), limit, minute(1001), replay)
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			return
		}
	}
}

func TestAReplayGoesByTheOrderOfArrival(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	addRefused(t, db,
		refusal("warm", ingest.UnknownDevice, 1, "dev-1"), refusal("cold", ingest.UnknownDevice, 2, "dev-1"),
		refusal("warm", ingest.UnknownDevice, 3, "dev-1"), refusal("other", ingest.Malformed, 2),
		refusal("late", ingest.UnknownDevice, 1001, "dev-1"), refusal("large", ingest.TooLarge, 1))
	if got := request(t, db, views.ReplaySelection{Reason: ingest.UnknownDevice}); got.Selected != 3 {
		t.Errorf("selected %d, want the three that came until now", got.Selected)
	}
	var got []string
	rounds(t, db, 2, accept(&got))
	if diff := cmp.Diff([]string{"warm@1", "cold@2", "warm@3"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if again := request(t, db, views.ReplaySelection{Reason: ingest.UnknownDevice}); again.Selected != 0 || again.FinishedAt.IsZero() {
		t.Errorf("a second replay selects %d", again.Selected)
	}
	if large := request(t, db, views.ReplaySelection{Reason: ingest.TooLarge}); large.Selected != 0 {
		t.Error("a message that was cut off is replayed")
	}
	row, err := db.Refused(t.Context(), "warm")
	if err != nil || row.ReplayedAt.IsZero() || row.Outcome != "accepted" || row.Count != 2 {
		t.Errorf("afterwards %+v, %v", row, err)
	}
}

func TestWhatIsRefusedAgainStaysAsItIs(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	addRefused(t, db, refusal("a", ingest.UnknownDevice, 1, "dev-1", "dev-2"), refusal("b", ingest.UnknownDevice, 2, "dev-1"))
	replay := request(t, db, views.ReplaySelection{Devices: []string{"dev-1"}})
	rounds(t, db, 10, each(func(q ingest.Quarantined) (ingest.Verdict, error) {
		if q.ID == "b" {
			return ingest.Verdict{Otherwise: ingest.ImpossibleTime}, nil
		}
		still := q
		still.Detail, still.Devices = "device dev-2 is not declared", []devices.ID{"dev-2"}
		return ingest.Verdict{Refused: &still}, nil
	}))
	got, err := db.Refused(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if got.Count != 1 || !got.ReplayedAt.IsZero() || got.TriedAt.IsZero() || got.Outcome != "unknown_device" ||
		got.Detail != "device dev-2 is not declared" || !slices.Equal(got.Devices, []devices.ID{"dev-2"}) {
		t.Errorf("refused again: %+v", got)
	}
	if b, err := db.Refused(t.Context(), "b"); err != nil || b.Outcome != "impossible_time" || b.ReplayedAt.IsZero() {
		t.Errorf("refused otherwise: %+v, %v", b, err)
	}
	replay, err = db.Replay(t.Context(), replay.Number)
	if err != nil || replay.Accepted != 1 || replay.Refused != 1 || replay.FinishedAt.IsZero() {
		t.Errorf("replay %+v, %v", replay, err)
	}
}

func TestAReplayThatFailsGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	addRefused(t, db, refusal("a", ingest.Malformed, 1), refusal("b", ingest.Malformed, 2), refusal("c", ingest.Malformed, 3))
	replay := request(t, db, views.ReplaySelection{Reason: ingest.Malformed})
	full := errors.New("the log is full")
	var got []string
	if _, _, err := db.ReplayRound(t.Context(), 1, minute(1001), accept(&got)); err != nil {
		t.Fatal(err)
	}
	_, _, err := db.ReplayRound(t.Context(), 10, minute(1001), each(func(ingest.Quarantined) (ingest.Verdict, error) {
		return ingest.Verdict{}, full
	}))
	if !errors.Is(err, full) {
		t.Errorf("the failure: %v", err)
	}
	if r, err := db.Replay(t.Context(), replay.Number); err != nil || !strings.Contains(r.Failure, "the log is full") || !r.FinishedAt.IsZero() {
		t.Errorf("after the failure %+v, %v", r, err)
	}
	rounds(t, db, 10, accept(&got))
	if diff := cmp.Diff([]string{"a@1", "b@2", "c@3"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r, err := db.Replay(t.Context(), replay.Number); err != nil || r.Failure != "" || r.FinishedAt.IsZero() {
		t.Errorf("at the end %+v, %v", r, err)
	}
}

// TestReplaysOfAnyMessagesInAnyRoundsStoreEachOnce interrupts replays at any
// message and starts others beside them: a log that takes the same reading at
// the same time for one, as ours does, holds each exactly once, and each
// device's messages were first given to it in the order they came.
func TestReplaysOfAnyMessagesInAnyRoundsStoreEachOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		device := func(i int) devices.ID { return devices.ID(fmt.Sprintf("run-%d-dev-%d", run, i)) }
		n := rapid.IntRange(1, 12).Draw(rt, "messages")
		want := map[string]int{}
		for i := range n {
			of := device(rapid.IntRange(0, 2).Draw(rt, "device"))
			id := fmt.Sprintf("%s-%d", of, rapid.IntRange(0, 3).Draw(rt, "content"))
			addRefused(t, db, refusal(id, ingest.UnknownDevice, i, of))
			want[fmt.Sprintf("%s@%d", id, i)] = 1
		}
		stored, last := map[string]int{}, map[string]int{}
		mended := map[string]bool{}
		crash := -1
		replay := each(func(q ingest.Quarantined) (ingest.Verdict, error) {
			of := string(q.Devices[0])
			if !mended[of] {
				return ingest.Verdict{Refused: &q}, nil
			}
			if crash == 0 {
				return ingest.Verdict{}, errors.New("crash")
			}
			crash--
			at := int(q.ReceivedAt.Sub(minute(0)) / time.Minute)
			key := fmt.Sprintf("%s@%d", q.ID, at)
			if stored[key] == 0 && at < last[of] {
				rt.Errorf("%s came before the one stored last, at %d", key, last[of])
			}
			last[of] = max(last[of], at)
			stored[key] = 1 // a reading at a time is there or not
			return ingest.Verdict{}, nil
		})
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			i := rapid.IntRange(0, 2).Draw(rt, "which")
			mended[string(device(i))] = true
			request(t, db, views.ReplaySelection{Reason: ingest.UnknownDevice, Devices: []string{string(device(i))}})
			crash = rapid.IntRange(-1, 3).Draw(rt, "crash")
			_, _, _ = db.ReplayRound(t.Context(), rapid.IntRange(1, 5).Draw(rt, "limit"), minute(1001), replay)
			crash = -1
		}
		for i := range 3 {
			mended[string(device(i))] = true
		}
		rounds(t, db, 4, replay)
		request(t, db, views.ReplaySelection{Reason: ingest.UnknownDevice})
		rounds(t, db, 4, replay)
		if diff := cmp.Diff(want, stored); diff != "" {
			rt.Errorf("(-want +stored):\n%s", diff)
		}
	})
}

func TestOneReplayAtATimeGoesOn(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	addRefused(t, db, refusal("a", ingest.Malformed, 1))
	request(t, db, views.ReplaySelection{Reason: ingest.Malformed})
	_, _, err := db.ReplayRound(t.Context(), 10, minute(1001), each(func(ingest.Quarantined) (ingest.Verdict, error) {
		n, more, err := db.ReplayRound(t.Context(), 10, minute(1001), each(func(ingest.Quarantined) (ingest.Verdict, error) {
			t.Error("two nodes replay at once")
			return ingest.Verdict{}, nil
		}))
		if n != 0 || more || err != nil {
			t.Errorf("the other node: %d, %t, %v", n, more, err)
		}
		return ingest.Verdict{}, nil
	}))
	if err != nil {
		t.Fatal(err)
	}
}
