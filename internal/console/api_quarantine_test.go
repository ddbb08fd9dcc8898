package console

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"telltale/ingest"
	"telltale/internal/access"
)

// refuse puts messages into quarantine.
func (r *rig) refuse(reason ingest.Reason, ids ...string) {
	r.t.Helper()
	r.refuseAt(0, reason, ids...)
}

// refuseAt is refuse, so many minutes later.
func (r *rig) refuseAt(minutes int, reason ingest.Reason, ids ...string) {
	r.t.Helper()
	at := time.Date(2026, 3, 1, 8, minutes, 0, 0, time.UTC)
	for i, id := range ids {
		r.must(r.db.AddQuarantined(r.t.Context(), []ingest.Quarantined{{
			ID: id, Reason: reason, Detail: "temperature: is no number", Topic: "telltale/fridge-1/telemetry",
			ClientID: "fridge-1\xff\x00", Payload: []byte("{\xff\x00"), ReceivedAt: at.Add(time.Duration(i) * time.Minute),
		}}))
	}
}

func TestQuarantineShowsTheRawBytes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.refuse(ingest.Malformed, "a", "b", "c")
	r.refuse(ingest.UnknownDevice, "d")
	if got := r.admin(200, "GET", "/api/v1/quarantine?reason=malformed", "").ids(); !slices.Equal(got, []string{"c", "b", "a"}) {
		t.Errorf("malformed: %v", got)
	}
	first := r.admin(200, "GET", "/api/v1/quarantine?limit=2&reason=malformed", "")
	rest := r.admin(200, "GET", "/api/v1/quarantine?limit=2&reason=malformed&cursor="+first.json()["next"].(string), "")
	if got := slices.Concat(first.ids(), rest.ids()); !slices.Equal(got, []string{"c", "b", "a"}) || rest.json()["next"] != "" {
		t.Errorf("by pages: %v", got)
	}
	item := r.admin(200, "GET", "/api/v1/quarantine?reason=unknown_device", "").json()["items"].([]any)[0].(map[string]any)
	payload, err := base64.StdEncoding.DecodeString(item["payload"].(string))
	if err != nil || string(payload) != "{\xff\x00" {
		t.Errorf("payload %q, %v", payload, err)
	}
	if item["reason"] != "unknown_device" || item["topic"] == "" || item["received_at"] == "" {
		t.Errorf("item %v", item)
	}
}

func TestReplayGivesMessagesToThePipelineOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.refuse(ingest.UnknownDevice, "a", "b")
	r.refuse(ingest.Malformed, "c")
	replay := func(body string) string {
		t.Helper()
		return fmt.Sprint(r.admin(200, "POST", "/api/v1/quarantine/replay", body).json()["replayed"])
	}
	if got := replay(`{"reason": "unknown_device"}`); got != "2" || !slices.Equal(r.replay.ids, []string{"a", "b"}) {
		t.Errorf("replayed %s: %v", got, r.replay.ids)
	}
	if got := replay(`{"reason": "unknown_device"}`); got != "0" {
		t.Errorf("replayed %s once more", got)
	}
	if got := replay(`{"ids": ["a", "c", "nothing"]}`); got != "2" {
		t.Errorf("replayed %s by id, want 2", got)
	}
	r.refuseAt(20, ingest.UnknownDevice, "a") // refused again after the replay
	if got := replay(`{"reason": "unknown_device"}`); got != "1" {
		t.Errorf("replayed %s, want the one that was refused again", got)
	}
}

func TestAReplayThatFailsForgetsNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.refuse(ingest.UnknownDevice, "a", "b", "c")
	r.replay.fails = map[string]error{"b": errors.New("the log is full")}
	r.do(access.Admin, "POST", "/api/v1/quarantine/replay", `{"reason": "unknown_device"}`).problem(500)
	r.replay.fails = nil
	r.admin(200, "POST", "/api/v1/quarantine/replay", `{"reason": "unknown_device"}`)
	if !slices.Equal(r.replay.ids, []string{"a", "b", "c"}) {
		t.Errorf("then replayed %v", r.replay.ids)
	}
	for _, item := range r.admin(200, "GET", "/api/v1/quarantine/replays", "").json()["items"].([]any) {
		if replay := item.(map[string]any); replay["more"] != false || replay["failure"] != "" {
			t.Errorf("replay %v, want both done", replay)
		}
	}
}

func TestWhatIsRefusedAgainStaysWithItsCount(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.refuse(ingest.UnknownDevice, "a", "b")
	r.replay.refuses = map[string]bool{"b": true}
	dry := r.admin(200, "POST", "/api/v1/quarantine/replay", `{"reason": "unknown_device", "dry_run": true}`).json()
	if fmt.Sprintln(dry["selected"], dry["replayed"], dry["refused"]) != "2 1 1\n" || len(r.replay.ids) != 0 {
		t.Errorf("dry run %v gave away %v", dry, r.replay.ids)
	}
	for range 2 {
		r.admin(200, "POST", "/api/v1/quarantine/replay", `{"reason": "unknown_device"}`)
	}
	b := r.admin(200, "GET", "/api/v1/quarantine/b", "").json()
	if fmt.Sprintln(b["count"], b["outcome"], b["replayed_at"]) != "1 unknown_device <nil>\n" || b["tried_at"] == nil {
		t.Errorf("refused again: %v", b)
	}
	if a := r.admin(200, "GET", "/api/v1/quarantine/a", "").json(); a["outcome"] != "accepted" || a["replayed_at"] == nil {
		t.Errorf("accepted: %v", a)
	}
}

func TestWrongReplaysAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for body, want := range map[string]string{
		`{}`:                        "must name ids, or else a reason, a device or a topic",
		`{"reason": "bad weather"}`: "must be one of",
		`{"reason": "too_large"}`:   "only the beginning is kept",
		`{"reasons": "malformed"}`:  "unexpected property",
	} {
		if got := r.do(access.Admin, "POST", "/api/v1/quarantine/replay", body).problem(422); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
	r.do(access.Support, "POST", "/api/v1/quarantine/replay", `{"reason": "malformed"}`).problem(403)
	r.do(access.Admin, "GET", "/api/v1/quarantine/nothing", "").problem(404)
	r.do(access.Admin, "GET", "/api/v1/quarantine/replays/17", "").problem(404)
}
