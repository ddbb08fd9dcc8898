package ingest

import (
	"errors"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// deadPeer is how long sent bytes may stay unacknowledged by the other side's
// kernel before the connection is given up. The MQTT library sets no write
// deadline; without this a blackholed connection with a full send buffer would
// hold it for a quarter of an hour.
const deadPeer = 30 * time.Second

// dialer connects to an external broker.
func dialer() *net.Dialer {
	return &net.Dialer{
		Timeout:         connectTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3},
		Control: func(_, _ string, c syscall.RawConn) error {
			var set error
			err := c.Control(func(fd uintptr) {
				set = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(deadPeer/time.Millisecond))
			})
			return errors.Join(err, set)
		},
	}
}
