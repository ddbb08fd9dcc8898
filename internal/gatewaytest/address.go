package gatewaytest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// Ports from here up to Linux's own range, from which it gives one to whoever
// connects or does not say which: a port there may be somebody else's a moment
// later, and while a test has its server stopped.
const (
	lowestPort = 10_000
	localPorts = 32_768
)

// UnusedPort returns a port of 127.0.0.1 where nobody listens.
func UnusedPort(t testing.TB) int {
	t.Helper()
	var err error
	for range 100 {
		port := lowestPort + rand.IntN(localPorts-lowestPort)
		var listener net.Listener
		if listener, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			_ = listener.Close()
			return port
		}
	}
	t.Fatalf("found no unused port: %v", err)
	return 0
}

// UnusedAddress returns a loopback address where nobody listens.
func UnusedAddress(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(UnusedPort(t)))
}
