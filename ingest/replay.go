package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"

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

// Replay gives refused messages to the log again, in order and each as it came
// at its ReceivedAt, and returns when what is believed of them is safe: of all,
// or with an error of none that counts. What is refused for the same reason
// once more is not stored again; another reason makes a new entry of the
// quarantine. Doing it twice stores the same readings at the same times, which
// readers of the log take for one.
func (p *Pipeline) Replay(ctx context.Context, messages []Quarantined) ([]Verdict, error) {
	result := make(chan error, 1)
	it := &pending{sender: callback(func(err error) { result <- err })}
	verdicts := make([]Verdict, len(messages))
	for i := range messages {
		verdicts[i] = p.judge(it, &messages[i])
	}
	if it.nothing() {
		return verdicts, nil
	}
	if err := p.submit(ctx, it); err != nil {
		return nil, fmt.Errorf("replay %d messages: %w", len(messages), err)
	}
	select {
	case err := <-result:
		return verdicts, err
	case <-ctx.Done():
		return nil, fmt.Errorf("replay %d messages: %w", len(messages), ctx.Err())
	}
}

// Judge says what Replay would do with a message, and does nothing.
func (p *Pipeline) Judge(q Quarantined) Verdict { return p.judge(&pending{}, &q) }

// judge adds a refused message to it, as far as it is not refused for the same
// reason again.
func (p *Pipeline) judge(it *pending, q *Quarantined) Verdict {
	reports, refusals := len(it.reports), len(it.quarantined)
	p.add(it, Message{
		Topic: q.Topic, ClientID: q.ClientID, Payload: q.Payload, QoS: 1, Retained: q.Retained,
		ReceivedAt: q.ReceivedAt, Replayed: true,
	})
	var verdict Verdict
	kept := it.quarantined[:refusals]
	for _, again := range it.quarantined[refusals:] {
		if again.Reason == q.Reason {
			verdict.Refused = &again
			continue
		}
		verdict.Otherwise = again.Reason
		kept = append(kept, again)
	}
	it.quarantined = kept
	verdict.Reports = slices.Clone(it.reports[reports:])
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
