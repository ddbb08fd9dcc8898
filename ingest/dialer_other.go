//go:build !linux

package ingest

import (
	"net"
	"time"
)

// dialer connects to an external broker.
func dialer() *net.Dialer {
	return &net.Dialer{
		Timeout:         connectTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3},
	}
}

// moderate returns the connection as it is.
func moderate(conn net.Conn) net.Conn { return conn }
