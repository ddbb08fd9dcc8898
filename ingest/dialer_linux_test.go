package ingest

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestADeadPeerIsNotWaitedForLonger(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := dialer().DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var got int
	if err := raw.Control(func(fd uintptr) {
		got, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
	}); err != nil {
		t.Fatal(err)
	}
	if err != nil || time.Duration(got)*time.Millisecond != deadPeer {
		t.Errorf("TCP_USER_TIMEOUT is %d ms (%v), want %s", got, err, deadPeer)
	}
}
