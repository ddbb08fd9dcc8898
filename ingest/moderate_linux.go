package ingest

import (
	"net"
	"syscall"
	"time"
)

const (
	// readPause is the shortest time between two reads from a broker. It is
	// what a message may wait longer on its way to the disk.
	readPause = 2 * time.Millisecond

	// manyBytes is more than comes in a pause. The kernel takes half of the
	// receive buffer if that is less.
	manyBytes = 1 << 20
)

// moderated is a connection that does not wake us for each of many small
// messages: a broker writes each by itself, and to be woken, to read and to
// wait again costs both sides more than all else they do with it. After a read
// it lets bytes gather for a while, during which the kernel keeps quiet. A read
// that comes later than that, as most do from a broker with little to say, is
// not held up.
//
// Only Read differs, and only one goroutine may call it.
type moderated struct {
	*net.TCPConn
	raw   syscall.RawConn
	last  time.Time // of the last read
	quiet bool      // the kernel tells us nothing before there are many bytes

	// For onReady, which is made once.
	p       []byte
	n       int
	err     error
	onReady func(fd uintptr) bool
}

// moderate returns the connection with moderated reads, if it is one over TCP.
func moderate(conn net.Conn) net.Conn {
	plain, ok := conn.(*net.TCPConn)
	if !ok {
		return conn
	}
	raw, err := plain.SyscallConn()
	if err != nil {
		return conn
	}
	m := &moderated{TCPConn: plain, raw: raw}
	m.onReady = m.read
	return m
}

// Read implements [net.Conn].
func (m *moderated) Read(p []byte) (int, error) {
	if wait := readPause - time.Since(m.last); wait > 0 {
		if !m.quiet {
			m.quiet = true
			_ = m.raw.Control(func(fd uintptr) { lowWater(fd, manyBytes) })
		}
		time.Sleep(wait)
	}
	m.p, m.n, m.err = p, 0, nil
	err := m.raw.Read(m.onReady)
	m.p, m.last = nil, time.Now()
	if err == nil {
		err = m.err
	}
	return m.n, err
}

// read reads what there is; false: nothing, and the kernel says when there is.
func (m *moderated) read(fd uintptr) bool {
	m.n, m.err = readNow(fd, m.p)
	if m.err == syscall.EAGAIN && m.quiet {
		m.quiet = false
		lowWater(fd, 1)
		m.n, m.err = readNow(fd, m.p) // something may have come before we said so
	}
	return m.err != syscall.EAGAIN
}

// lowWater sets how many bytes there must be before the kernel says that there
// are any. Where it cannot, it says so with the first.
func lowWater(fd uintptr, bytes int) {
	_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVLOWAT, bytes)
}
