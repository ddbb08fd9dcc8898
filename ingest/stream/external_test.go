package stream

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"

	"telltale/devices"
)

// startServer runs a NATS server of its own, as an operator would.
func startServer(t testing.TB, dir string, port int, maxPayload int32) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		ServerName: "external", Host: "127.0.0.1", Port: port, NoSigs: true,
		JetStream: true, StoreDir: dir, SyncAlways: true, MaxPayload: maxPayload,
	})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("server does not answer")
	}
	t.Cleanup(func() { stopServer(s) })
	return s
}

func stopServer(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

func TestExternalServerMayGoAndComeBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := startServer(t, dir, server.RANDOM_PORT, 0)
	port := portOf(t, s)
	l := openLog(t, Options{URL: s.ClientURL(), Partitions: 1, AckTimeout: time.Second, Log: zap.NewNop()})
	r := reader(t, l, 0, 0)

	seen := uint64(0)
	for round := range 3 {
		for n := range 20 {
			appendReports(t, l, noon, report("fridge-1", round*20+n+1))
		}
		for range 10 { // the other half is read after the server was away
			m := next(t, r)
			if m.Reports[0].Seq != seen+1 {
				t.Fatalf("report %d came after %d", m.Reports[0].Seq, seen)
			}
			seen = m.Reports[0].Seq
		}

		stopServer(s)
		if err := l.Append(t.Context(), noon, []devices.Report{report("fridge-1", 0)}, nil); err == nil {
			t.Fatal("appended to a server that is away")
		}
		if l.Ready() == nil {
			t.Error("the log is ready while its server is away")
		}
		s = startServer(t, dir, port, 0)
		awaitLog(t, l)
	}
	for seen < 60 {
		m := next(t, r)
		if m.Reports[0].Seq != seen+1 {
			t.Fatalf("report %d came after %d", m.Reports[0].Seq, seen)
		}
		seen = m.Reports[0].Seq
	}
}

func portOf(t testing.TB, s *server.Server) int {
	t.Helper()
	var port int
	if _, err := fmt.Sscanf(s.ClientURL(), "nats://127.0.0.1:%d", &port); err != nil {
		t.Fatal(err)
	}
	return port
}

func awaitLog(t testing.TB, l *Log) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); l.Ready() != nil; {
		if time.Now().After(deadline) {
			t.Fatal(l.Ready())
		}
		<-time.After(time.Millisecond)
	}
}

func TestAppendThatWaitsForAnAbsentServerEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), server.RANDOM_PORT, 0)
	l := openLog(t, Options{URL: s.ClientURL(), Partitions: 1, Log: zap.NewNop()})
	r := reader(t, l, 0, 0)
	stopServer(s)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := l.Append(ctx, noon, []devices.Report{report("d", 1)}, nil); err == nil {
		t.Error("appended to a server that is away")
	}
	if _, err := r.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("reader: got %v, want context.DeadlineExceeded", err)
	}
}

func TestServerWithSmallMessagesIsRefused(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), server.RANDOM_PORT, 64<<10)
	_, err := Open(t.Context(), Options{URL: s.ClientURL()})
	if want := "stream server takes messages up to 65536 bytes, at least 1048576 are needed (max_payload)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestServerThatIsNotThereIsAnError(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), server.RANDOM_PORT, 0)
	stopServer(s)
	_, err := Open(t.Context(), Options{URL: fmt.Sprintf("nats://127.0.0.1:%d", portOf(t, s))})
	if want := "connect to stream server: nats: no servers available for connection"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestANewLogHasThePartitionsOfItsKind(t *testing.T) {
	t.Parallel()
	if l := openLog(t, Options{Dir: t.TempDir()}); l.Partitions() != EmbeddedPartitions {
		t.Errorf("embedded: %d partitions, want %d", l.Partitions(), EmbeddedPartitions)
	}
	if l := openLog(t, Options{URL: startServer(t, t.TempDir(), server.RANDOM_PORT, 0).ClientURL()}); l.Partitions() != SharedPartitions {
		t.Errorf("at a URL: %d partitions, want %d", l.Partitions(), SharedPartitions)
	}
}
