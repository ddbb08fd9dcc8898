package console

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"telltale/ingest"
	"telltale/internal/access"
)

// refuse puts messages into quarantine.
func (r *rig) refuse(reason ingest.Reason, ids ...string) {
	r.t.Helper()
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
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
	r.refuse(ingest.UnknownDevice, "a") // refused again after the replay
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
	got := r.admin(200, "POST", "/api/v1/quarantine/replay", `{"reason": "unknown_device"}`).json()
	if fmt.Sprint(got["replayed"]) != "2" || !slices.Equal(r.replay.ids, []string{"a", "b", "c"}) {
		t.Errorf("then replayed %v: %v", got["replayed"], r.replay.ids)
	}
}

func TestAMessageRefusedDuringItsReplayStaysToBeReplayed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.refuse(ingest.UnknownDevice, "a")
	read, err := r.db.RefusedToReplay(t.Context(), ingest.UnknownDevice, nil, 10)
	r.must(err)
	r.refuse(ingest.UnknownDevice, "a") // comes back before it is marked
	r.must(r.db.MarkReplayed(t.Context(), read, time.Now()))
	left, err := r.db.RefusedToReplay(t.Context(), ingest.UnknownDevice, nil, 10)
	r.must(err)
	if len(left) != 1 || left[0].Count != 2 {
		t.Errorf("left %v, want the message with a count of 2", left)
	}
}
