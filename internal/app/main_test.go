package app

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"telltale/ingest/codec/script"
	"telltale/internal/config"
	"telltale/internal/gatewaytest"
	"telltale/internal/postgres"
	"telltale/internal/postgres/pgtest"
)

// childData names the environment variable that makes the test binary be a
// gateway on the folder it holds, so that tests can kill one.
const childData = "TELLTALE_TEST_GATEWAY"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == ScriptWorker {
		if err := script.Work(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if data := os.Getenv(childData); data != "" {
		os.Exit(beGateway(data))
	}
	os.Exit(m.Run())
}

func beGateway(data string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	cfg, err := config.Load("", func(name string) (string, bool) {
		if name == "TELLTALE_DATA" {
			return data, true
		}
		return os.LookupEnv(name)
	})
	if err == nil {
		err = Serve(ctx, cfg, ServeOptions{Out: os.Stdout})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// gatewayProcess is a gateway in a process of its own, which can be killed and
// started again on the same folder and addresses.
type gatewayProcess struct {
	t          *testing.T
	data       string
	mqtt, http string
	env        []string
	cmd        *exec.Cmd
}

func newGatewayProcess(t *testing.T, env ...string) *gatewayProcess {
	t.Helper()
	g := &gatewayProcess{t: t, data: t.TempDir(), mqtt: gatewaytest.UnusedAddress(t), http: gatewaytest.UnusedAddress(t), env: env}
	pgtest.Folder(t, g.data+"/postgres") // what kills do is no question of the first start
	t.Cleanup(func() {
		if g.cmd != nil {
			g.kill()
		}
	})
	return g
}

// start runs the gateway and returns when it takes messages.
func (g *gatewayProcess) start() {
	g.t.Helper()
	g.cmd = exec.CommandContext(context.WithoutCancel(g.t.Context()), os.Args[0])
	g.cmd.Env = append(os.Environ(), append(g.env, childData+"="+g.data, "TELLTALE_LOG_LEVEL=warn",
		"TELLTALE_MQTT_LISTEN="+g.mqtt, "TELLTALE_HTTP_LISTEN="+g.http)...)
	g.cmd.Stderr = os.Stderr
	if err := g.cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	awaitAddress(g.t, g.mqtt)
}

// awaitAddress returns when somebody listens there.
func awaitAddress(t *testing.T, address string) {
	t.Helper()
	gatewaytest.Await(t, "somebody to listen at "+address, func() bool {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// kill is kill -9.
func (g *gatewayProcess) kill() {
	_ = g.cmd.Process.Kill()
	_ = g.cmd.Wait()
	g.cmd = nil
}

// open connects to the gateway's private database. It waits while that is
// being recovered.
func (g *gatewayProcess) open() *postgres.DB {
	g.t.Helper()
	var db *postgres.DB
	gatewaytest.Await(g.t, "the gateway's database", func() bool {
		url, running, err := postgres.RunningCluster(g.data + "/postgres")
		if err != nil || !running {
			return false
		}
		db, err = postgres.Open(g.t.Context(), url, postgres.Options{MaxConns: 4})
		return err == nil
	})
	g.t.Cleanup(db.Close)
	return db
}
