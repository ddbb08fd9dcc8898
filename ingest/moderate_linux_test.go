package ingest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// tcpPair returns both ends of a connection over TCP.
func tcpPair(t *testing.T) (ours, theirs net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if theirs, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if ours, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ours.Close(); _ = theirs.Close() })
	_ = ours.SetDeadline(time.Now().Add(30 * time.Second))
	return moderate(ours), theirs
}

// A read begins quiet whenever it follows another closely. However few bytes
// come then, and however late, they must wake it.
func TestAModeratedReadMissesNothing(t *testing.T) {
	t.Parallel()
	ours, theirs := tcpPair(t)
	asked := make(chan int)
	go func() {
		for n := range asked {
			<-time.After(time.Duration(n%5) * readPause) // so that some come while it sleeps, some while it waits
			_, _ = theirs.Write(bytes.Repeat([]byte{byte(n)}, 1+n%3))
		}
		_ = theirs.Close()
	}()
	p := make([]byte, 16)
	for n := range 100 {
		asked <- n
		for got := 0; got < 1+n%3; {
			k, err := ours.Read(p)
			if err != nil || bytes.Count(p[:k], []byte{byte(n)}) != k {
				t.Fatalf("write %d: read %v, %v", n, p[:k], err)
			}
			got += k
		}
	}
	close(asked)
	if _, err := ours.Read(p); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
}

func TestAModeratedReadEndsAtItsDeadlineAndWhenClosed(t *testing.T) {
	t.Parallel()
	ours, theirs := tcpPair(t)
	p := make([]byte, 1)
	if _, err := theirs.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := ours.Read(p); err != nil {
		t.Fatal(err)
	}
	_ = ours.SetReadDeadline(time.Now().Add(5 * readPause))
	if _, err := ours.Read(p); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("at the deadline: %v", err)
	}
	_ = ours.SetReadDeadline(time.Time{})
	ended := make(chan error)
	go func() { _, err := ours.Read(p); ended <- err }()
	_ = ours.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}
