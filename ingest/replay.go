package ingest

import (
	"context"
	"errors"
	"fmt"

	"telltale/devices"
)

// ErrNotQuarantined says that no such message, or replay, is in quarantine.
var ErrNotQuarantined = errors.New("ingest: not in quarantine")

// Verdict is what becomes of a message out of quarantine, judged by what is
// declared and configured now.
type Verdict struct {
	// Refused is the message, refused for the same reason once more; nil when
	// the cause was mended. What is wrong may have changed: of two devices that
	// were unknown, one may be declared.
	Refused *Quarantined

	// Otherwise is another reason that the message, or a part of it, is refused
	// for now; "" when there is none.
	Otherwise Reason

	// Reports is what is believed of it. Their metrics have the names of the
	// model.
	Reports []devices.Report
}

// Replay gives a refused message to the log again, as it came at q.ReceivedAt,
// and returns when what is believed of it is safe. What is refused for the same
// reason once more is not stored again, and another reason makes a new entry of
// the quarantine. Doing it twice stores the same readings at the same times,
// which readers of the log take for one.
func (p *Pipeline) Replay(ctx context.Context, q Quarantined) (Verdict, error) {
	result := make(chan error, 1)
	it := &pending{sender: callback(func(err error) { result <- err })}
	verdict := p.judge(it, q)
	if it.nothing() {
		return verdict, nil
	}
	// Submit, for it has no patience to lose: the message is old already.
	if err := p.submit(ctx, it); err != nil {
		return Verdict{}, fmt.Errorf("replay message: %w", err)
	}
	select {
	case err := <-result:
		return verdict, err
	case <-ctx.Done():
		return Verdict{}, fmt.Errorf("replay message: %w", ctx.Err())
	}
}

// Judge says what Replay would do, and does nothing.
func (p *Pipeline) Judge(q Quarantined) Verdict { return p.judge(&pending{}, q) }

// judge decodes and checks a refused message into it.
func (p *Pipeline) judge(it *pending, q Quarantined) Verdict {
	p.add(it, Message{
		Topic: q.Topic, ClientID: q.ClientID, Payload: q.Payload, QoS: 1, Retained: q.Retained,
		ReceivedAt: q.ReceivedAt, Replayed: true,
	})
	var verdict Verdict
	kept := it.quarantined[:0]
	for i := range it.quarantined {
		again := it.quarantined[i]
		if again.Reason == q.Reason {
			verdict.Refused = &again
			continue
		}
		verdict.Otherwise = again.Reason
		kept = append(kept, again)
	}
	it.quarantined = kept
	// The flusher may have encoded the reports before anybody looks at them,
	// but nobody changes them: the pending is never used again.
	verdict.Reports = it.reports
	return verdict
}

// Preview decodes a message without checking it: what it would say, were its
// devices declared. The error is why it cannot be decoded.
func (p *Pipeline) Preview(q Quarantined) ([]devices.Report, error) {
	_, c, ok := p.opts.Router.Find(q.Topic)
	if !ok {
		return nil, fmt.Errorf("no source claims topic %s", q.Topic)
	}
	return p.decodeSafely(c, nil, Message{Topic: q.Topic, Payload: q.Payload, ReceivedAt: q.ReceivedAt, Replayed: true})
}
