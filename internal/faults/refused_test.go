package faults

import (
	"bytes"
	"fmt"
	"testing"

	"telltale/ingest"
	"telltale/internal/gatewaytest"
	"telltale/internal/views"
)

// refuse publishes messages that cannot be stored as reports, beside a fleet
// that must not notice, and checks that each is acknowledged and kept in
// quarantine, with a reason.
func (w *world) refuse(t *testing.T, fault, fleet, topic string, size int, reason ingest.Reason) {
	const messages = 20
	f := launchFleet(t, fleet, w.devicesReach(), w.start)
	f.awaitMore(t, w.rand, 200)
	sender := &rude{t: t, address: w.devicesReach(), id: "sender of " + fleet}
	for n := range messages {
		payload := fmt.Appendf(nil, `{"n": %d, "values": {"temperature": 5}, "text": "`, n)
		payload = append(payload, bytes.Repeat([]byte("x"), max(0, size-len(payload)-2))...)
		sender.publish(topic, append(payload, `"}`...), uint16(n+1))
		f.awaitMore(t, w.rand, 40)
	}
	sender.close()
	a := w.settle(t, fault, f)
	kept := w.awaitRefused(t, reason, topic, messages)
	a.Sent, a.Acknowledged, a.Stored = a.Sent+messages, a.Acknowledged+messages, a.Stored+kept
	a.Lost += messages - kept
	a.Saw = fmt.Sprintf("%d of them acknowledged and in quarantine as %s; the others: %s", kept, reason, a.Saw)
	a.conclude(t)
}

// awaitRefused returns how many messages of a topic are in quarantine for a
// reason, when there are enough or time is over.
func (w *world) awaitRefused(t *testing.T, reason ingest.Reason, topic string, enough int) (kept int) {
	t.Helper()
	db := w.db()
	defer db.Close()
	_ = gatewaytest.Eventually(look, func() bool {
		page, err := db.ListQuarantined(t.Context(), views.RefusedQuery{Reason: reason, Limit: 500})
		if err != nil {
			return false
		}
		kept = 0
		for _, row := range page.Rows {
			if row.Topic == topic && row.Detail != "" {
				kept++
			}
		}
		return kept >= enough
	})
	return kept
}

// rude is a device that sends what is not to be stored.
type rude struct {
	t           *testing.T
	address, id string
	conn        *connection
}

// publish returns when the message is acknowledged, over however many
// connections that takes.
func (r *rude) publish(topic string, payload []byte, id uint16) {
	r.t.Helper()
	gatewaytest.Await(r.t, "a refused message to be acknowledged", func() bool {
		var err error
		if r.conn == nil {
			if r.conn, err = dial(r.address, r.id); err != nil {
				r.conn = nil
				return false
			}
		}
		if err = r.conn.publish(topic, payload, id, false); err == nil {
			var p packet
			if p, err = readPacket(r.conn.r); err == nil {
				acked, ok := p.acknowledged()
				return ok && acked == id
			}
		}
		r.close()
		return false
	})
}

func (r *rude) close() {
	if r.conn != nil {
		_ = r.conn.Close()
		r.conn = nil
	}
}
