package ingest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"telltale/devices"
	"telltale/ingest/codec"
)

// ErrNoSource says that a trial names a source that does not exist.
var ErrNoSource = errors.New("ingest: no such source")

// Bench tries messages before they go live: as the pipeline would treat them,
// but nothing is stored, answered or remembered. Each trial has a codec of its
// own, since some keep state. Safe for concurrent use.
type Bench struct {
	Sources []codec.Source // those of the configuration
	Options codec.Options  // without ways to act on others
	Clocks  map[string]Clock

	// Directory has the devices and models. Nil: nothing is known of them, and
	// messages are decoded and their times checked.
	Directory *devices.Directory

	// RunScript decodes a frame by a payload script. Nil: none can be run.
	RunScript func(source string, f codec.Frame) ([]byte, error)
}

// TrialRequest is a message to try.
type TrialRequest struct {
	// Source is a source's name or filter. Empty: the one that claims Topic.
	Source string

	// Topic is where the message came. Empty: one of the source's on which
	// readings come, see [codec.Source.ExampleTopic].
	Topic   string
	Payload []byte

	// Script is a payload script to use in place of the model's.
	Script string

	// FPort says that Payload is a bare LoRaWAN frame, which came on this port,
	// for Script to decode. Nil: it is a message of the source.
	FPort *int

	ReceivedAt time.Time
}

// Trial is what would become of a message.
type Trial struct {
	Source   codec.Source // zero for a bare frame
	Topic    string
	Reports  []TrialReport
	Refusals []Refusal
}

// TrialReport is one report within the message.
type TrialReport struct {
	Device     devices.ID
	ObservedAt time.Time
	Presence   devices.Presence
	Faults     []string // nil: nothing is said of them
	Readings   []TrialReading

	// Refused says that the report would not be stored, and why; its readings
	// are then as they were decoded.
	Refused Reason
}

// TrialReading is one value, under the model's name and in its unit where the
// device's model is known.
type TrialReading struct {
	Metric string
	Value  devices.Value
	Unit   string // UCUM code; "" if nobody says
}

// Refusal is what would go to quarantine, and why.
type Refusal struct {
	Reason Reason
	Detail string
	Field  string // of the payload; "" is all of it, or none
	Offset int64  // byte of the payload at which the fault begins, from 0; -1: of no one byte
}

// Try tries a message. What is wrong with the message is part of the result;
// errors say what is wrong with the request.
func (b Bench) Try(q TrialRequest) (Trial, error) {
	if q.FPort != nil {
		return b.tryFrame(q)
	}
	source, err := b.find(q)
	if err != nil {
		return Trial{}, err
	}
	t := Trial{Source: source, Topic: cmp.Or(q.Topic, source.ExampleTopic())}
	if len(q.Payload) > codec.MaxPayload {
		t.refuse(TooLarge, fmt.Errorf("payload of %d bytes is above the limit of %d", len(q.Payload), codec.MaxPayload))
		return t, nil
	}
	opts := b.Options
	if q.Script != "" {
		opts.Scripts = oneScript{b.RunScript, q.Script}
	}
	c, err := codec.New(source, opts)
	if err != nil {
		return Trial{}, err
	}
	b.decode(&t, c, q)
	return t, nil
}

// decode fills the trial with what the codec makes of the payload.
func (b Bench) decode(t *Trial, c codec.Codec, q TrialRequest) {
	defer func() {
		if v := recover(); v != nil {
			t.refuse(Malformed, fmt.Errorf("codec panicked: %v", v))
		}
	}()
	reports, err := c.Decode(nil, codec.Payload{Topic: t.Topic, Body: q.Payload, ReceivedAt: q.ReceivedAt})
	if err != nil {
		t.refuse(undecoded(err), err)
		return
	}
	b.check(t, reports)
}

// find returns the source that a request means.
func (b Bench) find(q TrialRequest) (codec.Source, error) {
	all := append(codec.BuiltIn(), b.Sources...)
	var names []string
	for _, s := range all {
		name := cmp.Or(s.Name, s.Filter)
		names = append(names, name)
		if q.Source == "" && q.Topic != "" && codec.Matches(s.Filter, q.Topic) || q.Source != "" && (q.Source == name || q.Source == s.Filter) {
			return s, nil
		}
	}
	if q.Source == "" && q.Topic != "" {
		return codec.Source{}, fmt.Errorf("%w: none claims topic %q; there are %s", ErrNoSource, q.Topic, strings.Join(names, ", "))
	}
	return codec.Source{}, fmt.Errorf("%w: %q; there are %s", ErrNoSource, q.Source, strings.Join(names, ", "))
}

// check treats decoded reports as the pipeline would, each by itself.
func (b Bench) check(t *Trial, reports []devices.Report) {
	clock, own := b.Clocks[cmp.Or(t.Source.Name, t.Source.Filter)]
	if !own {
		clock = b.Clocks[""]
	}
	if b.Directory == nil {
		b.checkTimes(t, clock, reports)
		return
	}
	view := newView(b.Directory)
	clock.correct(reports, &drifts{all: make(map[devices.ID]devices.Drift)}, view.declares)
	for i := range reports {
		decoded := reports[i]
		decoded.Readings = slices.Clone(decoded.Readings)
		kept, cs := view.check(reports[i:i+1:i+1], clock)
		for _, c := range cs {
			t.Refusals = append(t.Refusals, Refusal{Reason: c.reason, Detail: c.sentence(), Offset: -1})
		}
		if len(kept) > 0 {
			t.Reports = append(t.Reports, b.show(&kept[0], ""))
		} else if len(cs) > 0 {
			t.Reports = append(t.Reports, b.show(&decoded, cs[0].reason))
		}
	}
}

// checkTimes is what can be checked of reports without knowing devices.
func (b Bench) checkTimes(t *Trial, clock Clock, reports []devices.Report) {
	clock.correct(reports, &drifts{all: make(map[devices.ID]devices.Drift)}, func(devices.ID) bool { return true })
	var cs complaints
	for i := range reports {
		r := &reports[i]
		var refused Reason
		if !clock.believes(r) {
			refused = ImpossibleTime
			cs = cs.add(refused, r, func() string { return clock.describe(r) })
		}
		t.Reports = append(t.Reports, b.show(r, refused))
	}
	for _, c := range cs {
		t.Refusals = append(t.Refusals, Refusal{Reason: c.reason, Detail: c.sentence(), Offset: -1})
	}
}

// show writes a report for people.
func (b Bench) show(r *devices.Report, refused Reason) TrialReport {
	shown := TrialReport{
		Device: r.Device, ObservedAt: r.ObservedAt, Presence: r.Presence, Faults: r.Faults, Refused: refused,
	}
	var model *devices.Model
	if b.Directory != nil {
		model, _ = b.Directory.ModelOf(r.Device)
	}
	for i, one := range r.Readings {
		reading := TrialReading{Metric: one.Metric, Value: one.Value}
		if r.Units != nil {
			reading.Unit = r.Units[i]
		}
		if model != nil && reading.Unit == "" {
			reading.Unit = model.Metrics[one.Metric].Unit
		}
		shown.Readings = append(shown.Readings, reading)
	}
	return shown
}

func (t *Trial) refuse(reason Reason, err error) {
	refusal := Refusal{Reason: reason, Detail: err.Error(), Offset: -1}
	var pe *codec.PayloadError
	if errors.As(err, &pe) {
		refusal.Field, refusal.Offset = pe.Field, pe.Offset
	}
	t.Refusals = append(t.Refusals, refusal)
}

// oneScript uses one script for every device.
type oneScript struct {
	run    func(source string, f codec.Frame) ([]byte, error)
	source string
}

// Decode implements [codec.Scripts].
func (s oneScript) Decode(f codec.Frame) ([]byte, error) {
	if s.run == nil {
		return nil, codec.ErrNoScript
	}
	return s.run(s.source, f)
}

// tryFrame decodes a bare frame by a script, as a network server's message
// that holds it would be.
func (b Bench) tryFrame(q TrialRequest) (Trial, error) {
	if q.Script == "" {
		return Trial{}, errors.New("a bare frame needs a script to decode it")
	}
	if *q.FPort < 0 || *q.FPort > 255 {
		return Trial{}, fmt.Errorf("port %d is not from 0 to 255", *q.FPort)
	}
	t := Trial{}
	f := codec.Frame{Device: "frame", Bytes: q.Payload, FPort: *q.FPort, ObservedAt: q.ReceivedAt}
	report, err := codec.DecodeFrame(oneScript{b.RunScript, q.Script}, f)
	if err != nil {
		t.refuse(undecoded(err), err)
		return t, nil
	}
	t.Reports = []TrialReport{b.show(&report, "")}
	return t, nil
}
