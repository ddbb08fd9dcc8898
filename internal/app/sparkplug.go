package app

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"telltale/ingest/codec"
)

// edge does for the Sparkplug codec what must not be done in the way of
// messages: it stores births and sends requests for them.
type edge struct {
	keepBirths func(context.Context, []codec.Birth) error
	publish    func(topic string, payload []byte, retain bool) error
	logger     *zap.Logger
	requests   chan request

	mu      sync.Mutex
	unsaved map[string]codec.Birth // by topic: what the database did not take yet
}

// request is a message to an edge node.
type request struct {
	topic   string
	payload []byte
}

const (
	// edgeRequests may wait to be sent. Beyond that they are left out: the codec
	// asks again later.
	edgeRequests = 1024

	// birthPatience is how long a birth may hold its message up.
	birthPatience = time.Second

	// birthRetry is when the database is asked again, and birthLast how long a
	// stopping gateway tries.
	birthRetry = 2 * time.Second
	birthLast  = 5 * time.Second
)

func newEdge(keepBirths func(context.Context, []codec.Birth) error, logger *zap.Logger) *edge {
	return &edge{
		keepBirths: keepBirths, logger: logger,
		requests: make(chan request, edgeRequests), unsaved: make(map[string]codec.Birth),
	}
}

// ask is [codec.Options]' Publish.
func (e *edge) ask(topic string, payload []byte) {
	select {
	case e.requests <- request{topic, payload}:
	default:
	}
}

// keep is [codec.Options]' KeepBirth: it stores a birth before its message goes
// on, unless the database is known to be away.
func (e *edge) keep(b codec.Birth) {
	if e.waiting() == 0 {
		ctx, cancel := context.WithTimeout(context.Background(), birthPatience)
		defer cancel()
		err := e.keepBirths(ctx, []codec.Birth{b})
		if err == nil {
			return
		}
		e.logger.Warn("birth not stored yet", zap.String("topic", b.Topic), zap.Error(err))
	}
	b.Payload = bytes.Clone(b.Payload)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.unsaved[b.Topic] = b
}

func (e *edge) waiting() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.unsaved)
}

// run sends what is asked for and stores what could not be stored at once.
func (e *edge) run(ctx context.Context) error {
	retry := time.NewTicker(birthRetry)
	defer retry.Stop()
	for {
		select {
		case r := <-e.requests:
			if err := e.publish(r.topic, r.payload, false); err != nil {
				e.logger.Warn("edge node not asked for its births", zap.String("topic", r.topic), zap.Error(err))
			}
		case <-retry.C:
			e.save(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), birthLast)
			defer cancel()
			e.save(last)
			return nil
		}
	}
}

// save stores what waits. Until it is stored it stays, so that a birth that
// comes meanwhile goes the same way and not before.
func (e *edge) save(ctx context.Context) {
	e.mu.Lock()
	births := slices.Collect(maps.Values(e.unsaved))
	e.mu.Unlock()
	if len(births) == 0 {
		return
	}
	if err := e.keepBirths(ctx, births); err != nil {
		e.logger.Warn("births not stored yet", zap.Int("births", len(births)), zap.Error(err))
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, b := range births {
		if e.unsaved[b.Topic].ReceivedAt.Equal(b.ReceivedAt) {
			delete(e.unsaved, b.Topic)
		}
	}
}
