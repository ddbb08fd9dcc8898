package postgres

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// silentPair returns a connection of ours to somebody who reads everything and
// answers nothing but what is written to them.
func silentPair(t *testing.T, limit time.Duration) (ours *answering, theirs net.Conn) {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { _ = near.Close(); _ = far.Close() })
	return &answering{Conn: near, limit: limit}, far
}

// ask writes a question that is read.
func ask(t *testing.T, ours, theirs net.Conn) {
	t.Helper()
	go func() { _, _ = theirs.Read(make([]byte, 16)) }()
	if _, err := ours.Write([]byte("select 1")); err != nil {
		t.Fatal(err)
	}
}

func TestAQuestionWithoutAnAnswerEndsTheConnection(t *testing.T) {
	t.Parallel()
	ours, theirs := silentPair(t, 20*time.Millisecond)
	ask(t, ours, theirs)
	_, err := ours.Read(make([]byte, 16))
	if want := "database did not answer for 20ms"; err == nil || err.Error() != want {
		t.Errorf("Read = %v, want %s", err, want)
	}
	if _, err := theirs.Write([]byte("late")); err == nil {
		t.Error("the connection is still open")
	}
}

func TestWhoOnlyListensMayWaitAsLongAsItTakes(t *testing.T) {
	t.Parallel()
	ours, theirs := silentPair(t, 20*time.Millisecond)
	ask(t, ours, theirs)
	go func() {
		_, _ = theirs.Write([]byte("answer"))
		<-time.After(100 * time.Millisecond) // far beyond the limit
		_, _ = theirs.Write([]byte("notification"))
	}()
	for _, want := range []string{"answer", "notification"} {
		got := make([]byte, 16)
		n, err := ours.Read(got)
		if err != nil || string(got[:n]) != want {
			t.Fatalf("Read = %q, %v; want %q", got[:n], err, want)
		}
	}
}

func TestTheDriversOwnDeadlineCounts(t *testing.T) {
	t.Parallel()
	ours, theirs := silentPair(t, time.Hour)
	ask(t, ours, theirs)
	if err := ours.SetDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := ours.Read(make([]byte, 16)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read = %v, want the timeout that the driver asked for", err)
	}
	if err := ours.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = theirs.Write([]byte("on")) }()
	if _, err := ours.Read(make([]byte, 16)); err != nil {
		t.Errorf("the connection does not go on after the cancellation: %v", err)
	}
}
