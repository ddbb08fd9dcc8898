package ingest

import (
	"bytes"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"telltale/devices"
	"telltale/ingest/codec"
)

// add turns a message into what is to be stored of it. It runs in the caller's
// goroutine, so that decoding is spread over the processors. Nothing refers to
// the message's payload afterwards.
func (p *Pipeline) add(it *pending, m Message) {
	it.messages++
	if size := len(m.Payload) + m.Cut; size > codec.MaxPayload {
		p.quarantine(it, oversized(m), "", complaint{reason: TooLarge, devices: p.senderOf(m.Topic, nil),
			detail: fmt.Sprintf("payload of %d bytes is above the limit of %d; the first %d are kept", size, codec.MaxPayload, keptOfOversized)})
	} else if source, c, ok := p.opts.Router.Find(m.Topic); !ok {
		p.quarantine(it, m, "", complaint{reason: UnknownTopic, detail: fmt.Sprintf("no source claims topic %s", m.Topic)})
	} else {
		p.decode(it, m, source, c)
	}
}

// keptOfOversized is how much of a payload above the limit is kept.
const keptOfOversized = 4 << 10

func oversized(m Message) Message {
	m.Payload = m.Payload[:min(len(m.Payload), keptOfOversized)]
	return m
}

func (p *Pipeline) decode(it *pending, m Message, source string, c codec.Codec) {
	before := len(it.reports)
	decoded, err := p.decodeSafely(c, it.reports, m)
	if err != nil {
		p.quarantine(it, m, source, complaint{reason: undecoded(err), detail: err.Error(), devices: p.senderOf(m.Topic, err)})
		return
	}
	added := decoded[before:]
	if m.Retained {
		added = withoutUndated(added)
		if len(added) == 0 {
			it.special = append(it.special, outcomeRepeated)
		}
	}
	view, clock := p.currentView(), p.clock(source)
	if c, beyond := p.limit(it, m, view, added); beyond {
		p.quarantine(it, m, source, c)
		return
	}
	clock.correct(added, &p.drifts, view.declares)
	added, cs := view.check(added, clock)
	it.reports = decoded[:before+len(added)]
	for _, c := range cs {
		p.quarantine(it, m, source, c)
	}
	if len(cs) > 1 { // one outcome for each message
		it.special = it.special[:len(it.special)-len(cs)+1]
	}
}

// limit charges a message to the devices it is from. One that came through a
// broker's hands is refused when it is beyond the limit, for to hold it up would
// hold up everybody else's; others make their sender pause.
func (p *Pipeline) limit(it *pending, m Message, view *view, reports []devices.Report) (c complaint, beyond bool) {
	if p.limiter == nil || m.Replayed {
		return complaint{}, false
	}
	for len(reports) > 0 {
		id, n := reports[0].Device, 1
		for n < len(reports) && reports[n].Device == id {
			n++
		}
		reports = reports[n:]
		if !view.declares(id) {
			continue // refused for that, and of no bounded number
		}
		x := p.limiter.charge(id, n, m.ReceivedAt, m.Relayed)
		if x.over <= 0 {
			continue
		}
		if x.warn {
			p.opts.Log.Warn("device sends more than its limit", zap.String("device_id", string(id)),
				zap.Bool("refused", m.Relayed), zap.Duration("ahead", x.over))
		}
		if m.Relayed {
			return complaint{reason: RateLimited, devices: []devices.ID{id}, detail: fmt.Sprintf(
				"device %s sends more than the %g messages per second it may", id, p.opts.Limits.DeviceRate)}, true
		}
		it.pause = max(it.pause, x.over)
	}
	return complaint{}, false
}

// senderOf returns whose message it is that could not be decoded: the device
// that the codec found before it failed, or else the only one that speaks on
// the topic; nil when neither says.
func (p *Pipeline) senderOf(topic string, err error) []devices.ID {
	var pe *codec.PayloadError
	if errors.As(err, &pe) && pe.Device != "" {
		return []devices.ID{pe.Device}
	}
	if id, ok := p.opts.Router.Owner(topic); ok {
		return []devices.ID{id}
	}
	return nil
}

// undecoded is the reason to refuse a message that a codec does not decode.
func undecoded(err error) Reason {
	switch {
	case errors.Is(err, codec.ErrUnborn):
		return Unborn
	case errors.Is(err, codec.ErrScript):
		return ScriptFailed
	default:
		return Malformed
	}
}

// decodeSafely makes an error of a codec's panic: one message that nobody
// foresaw must not end the gateway, over and over, for every device.
func (p *Pipeline) decodeSafely(c codec.Codec, dst []devices.Report, m Message) (reports []devices.Report, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("codec panicked: %v", v)
			p.opts.Log.Error("codec panicked", zap.String("topic", m.Topic), zap.Any("panic", v), zap.StackSkip("stack", 1))
		}
	}()
	return c.Decode(dst, codec.Payload{
		Topic: m.Topic, Body: m.Payload, ReceivedAt: m.ReceivedAt, Old: m.Retained || m.Replayed,
	})
}

// withoutUndated keeps, in place, the reports of a retained message that say
// when they were made, or whose sender is connected or not: of the others
// nobody knows how old they are, and they were ingested when they were new.
func withoutUndated(reports []devices.Report) []devices.Report {
	kept := reports[:0]
	for _, r := range reports {
		if r.Presence != devices.PresenceUnknown || !r.ObservedAt.Equal(r.ReceivedAt) {
			kept = append(kept, r)
		}
	}
	return kept
}

// clock returns how the times of a source are treated.
func (p *Pipeline) clock(source string) Clock {
	if c, ok := p.opts.Clocks[source]; ok {
		return c
	}
	return p.opts.Clocks[""]
}

func (p *Pipeline) quarantine(it *pending, m Message, source string, c complaint) {
	it.special = append(it.special, string(c.reason))
	it.quarantined = append(it.quarantined, Quarantined{
		ID: quarantinedID(c.reason, m.Topic, m.Payload), Reason: c.reason, Detail: c.sentence(),
		Topic: m.Topic, Source: source, ClientID: m.ClientID, Payload: bytes.Clone(m.Payload),
		ReceivedAt: m.ReceivedAt, Retained: m.Retained, Devices: c.devices, ObservedAt: c.observedAt,
	})
}

// currentView returns the directory as it is now.
func (p *Pipeline) currentView() *view {
	d := p.directory()
	v := p.view.Load()
	if v == nil || v.directory != d {
		v = newView(d)
		p.view.Store(v)
	}
	return v
}
