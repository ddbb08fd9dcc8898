package faults

import (
	"net"
	"os/exec"
	"testing"

	"telltale/internal/gatewaytest"
)

// natsServer is a NATS server outside the gateway, with the link to it.
type natsServer struct {
	*process
	address string
	link    *link
}

func newNATS(t testing.TB) *natsServer {
	t.Helper()
	dir, address := t.TempDir(), gatewaytest.UnusedAddress(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	s := &natsServer{address: address, link: newLink(t, "tcp", address)}
	s.process = newProcess(t, "nats", func() *exec.Cmd {
		return again("nats", storeVariable+"="+dir, portVariable+"="+port)
	}, listens(address))
	s.start()
	return s
}
