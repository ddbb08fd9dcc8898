package faults

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"telltale/devices"
	"telltale/ingest/codec"
	"telltale/internal/app"
	"telltale/internal/config"
)

var (
	long = flag.Bool("long", false, "give each fault the time that docs/faults.md tells of")
	rows = flag.String("rows", "", "file to which each fault adds its row of the table")
)

// The environment of this test binary when it is one of the processes under
// test.
const (
	roleVariable   = "TELLTALE_FAULTS_ROLE"
	configVariable = "TELLTALE_FAULTS_CONFIG" // of a gateway
	clockVariable  = "TELLTALE_FAULTS_CLOCK"  // of a gateway: see clock_test.go
	storeVariable  = "TELLTALE_FAULTS_STORE"  // of a NATS server
	portVariable   = "TELLTALE_FAULTS_PORT"
)

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(roleVariable) {
	case "gateway":
		err = beGateway()
	case "nats":
		err = beNATS()
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func beGateway() error {
	if file := os.Getenv(clockVariable); file != "" {
		if err := shiftClock(file); err != nil {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	cfg, err := config.Load(os.Getenv(configVariable), func(string) (string, bool) { return "", false })
	if err != nil {
		return err
	}
	a, err := app.New(ctx, cfg, app.Options{
		Version: "test",
		Codecs: map[string]func(codec.Source) (codec.Codec, error){
			"brittle": func(codec.Source) (codec.Codec, error) { return brittle{}, nil },
		},
	})
	if err != nil {
		return err
	}
	runErr := a.Run(ctx)
	if err := a.Close(); runErr == nil {
		runErr = err
	}
	return runErr
}

// brittle is a codec with a bug.
type brittle struct{}

func (brittle) Decode([]devices.Report, codec.Payload) ([]devices.Report, error) {
	panic("assignment to entry in nil map")
}

// beNATS is a NATS server as an operator runs one, syncing on every message.
func beNATS() error {
	var port int
	if _, err := fmt.Sscan(os.Getenv(portVariable), &port); err != nil {
		return fmt.Errorf("port of the NATS server: %w", err)
	}
	s, err := server.NewServer(&server.Options{
		ServerName: "external", Host: "127.0.0.1", Port: port,
		JetStream: true, StoreDir: os.Getenv(storeVariable), SyncAlways: true,
	})
	if err != nil {
		return err
	}
	go s.Start()
	if !s.ReadyForConnections(time.Minute) {
		return fmt.Errorf("NATS server on port %d does not answer", port)
	}
	s.WaitForShutdown()
	return nil
}
