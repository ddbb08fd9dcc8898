package outbox

import (
	"errors"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestPolicy(t *testing.T) {
	t.Parallel()
	failed := errors.New("connection refused")
	refused := &SendError{Refused: true, Err: errors.New("answered 404")}
	asked := &SendError{RetryAfter: 90 * time.Second, Err: errors.New("answered 429")}
	greedy := &SendError{RetryAfter: 1000 * time.Hour, Err: errors.New("answered 503")}
	tests := []struct {
		name     string
		attempts int
		age      time.Duration
		err      error
		jitter   float64
		want     Outcome
	}{
		{"no error completes", 1, 0, nil, 0, Outcome{State: Completed}},
		{"the first pause is the base", 1, 0, failed, 0, Outcome{Retryable, time.Second, "connection refused"}},
		{"pauses double", 4, 0, failed, 0, Outcome{Retryable, 8 * time.Second, "connection refused"}},
		{"jitter shortens a pause by half at most", 4, 0, failed, 1, Outcome{Retryable, 4 * time.Second, "connection refused"}},
		{"pauses are bounded", 500, 0, failed, 0, Outcome{Retryable, time.Minute, "connection refused"}},
		{"a destination out of reach is tried for ever", 9999, 9999 * time.Hour, failed, 0,
			Outcome{Retryable, time.Minute, "connection refused"}},
		{"a refused event is tried again", 1, 0, refused, 0, Outcome{Retryable, time.Second, "answered 404"}},
		{"a refused event waits longer at most", 30, 0, refused, 0, Outcome{Retryable, 15 * time.Minute, "answered 404"}},
		{"a day of refusals is enough", 10, 24 * time.Hour, refused, 0, Outcome{Discarded, 0, "answered 404"}},
		{"an old event is not given up at its first refusal", 9, 48 * time.Hour, refused, 0,
			Outcome{Retryable, 256 * time.Second, "answered 404"}},
		{"a destination may ask for time", 1, 0, asked, 0, Outcome{Retryable, 90 * time.Second, "answered 429"}},
		{"but not for any time", 1, 0, greedy, 0, Outcome{Retryable, time.Hour, "answered 503"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := Delivery{Attempts: tt.attempts, CreatedAt: noon.Add(-tt.age)}
			if got := (Policy{}).withDefaults().Next(d, tt.err, noon, tt.jitter); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestErrorsAreKeptShortAndStorable(t *testing.T) {
	t.Parallel()
	err := errors.New(strings.Repeat("é", 5000) + "\x00")
	got := (Policy{}).withDefaults().Next(Delivery{Attempts: 1}, err, noon, 0)
	if len(got.Error) > maxErrorText || strings.ContainsRune(got.Error, 0) || strings.ToValidUTF8(got.Error, "") != got.Error {
		t.Errorf("kept %d bytes", len(got.Error))
	}
}

func TestBreakerLeavesAFailingDestinationAlone(t *testing.T) {
	t.Parallel()
	var b breaker
	failed := errors.New("down")
	for range breakerLimit - 1 {
		b.record(failed, noon)
	}
	if got := b.allows(8, noon); got != 8 {
		t.Fatalf("allows %d before its limit, want 8", got)
	}

	b.record(failed, noon)
	if got := b.allows(8, noon.Add(breakerBase-1)); got != 0 {
		t.Errorf("allows %d while open, want 0", got)
	}
	if got := b.allows(8, noon.Add(breakerBase)); got != 1 {
		t.Errorf("allows %d after the pause, want 1", got)
	}

	for range 100 {
		b.record(failed, noon)
	}
	if got := b.allows(8, noon.Add(breakerMaxPause)); got != 1 {
		t.Errorf("allows %d after the longest pause, want 1", got)
	}
	b.record(nil, noon)
	if got := b.allows(8, noon); got != 8 {
		t.Errorf("allows %d after a success, want 8", got)
	}
}
