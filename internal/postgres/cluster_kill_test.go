package postgres_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"telltale/internal/postgres"
)

// gatewayDir is set for a process of this test that shall be a gateway with
// nothing but a cluster, to be killed.
const gatewayDir = "TELLTALE_TEST_GATEWAY_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(gatewayDir); dir != "" {
		os.Exit(beGateway(dir))
	}
	os.Exit(m.Run())
}

// beGateway starts the cluster in dir, says so, and waits to be killed.
func beGateway(dir string) int {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cluster, err := postgres.StartCluster(ctx, outlivesKills(dir))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("serving", cluster.URL())
	<-ctx.Done() // nobody killed us: the test is gone
	return 2
}

func TestAKilledGatewayTakesItsServerAlongAndTheNextOneRecovers(t *testing.T) {
	t.Parallel()
	dir := usedFolder(t)
	for life := range 2 {
		kill, url := startGateway(t, dir)
		if _, err := trySQL(t.Context(), url, `create table if not exists kept (life int)`); err != nil {
			t.Fatal(err)
		}
		if _, err := trySQL(t.Context(), url, fmt.Sprintf(`insert into kept values (%d)`, life)); err != nil {
			t.Fatal(err)
		}
		// A session in the middle of something, as there always is one.
		busy := make(chan error, 1)
		go func() {
			_, err := trySQL(t.Context(), url, `select pg_sleep(600)`)
			busy <- err
		}()
		server := postmaster(t, dir)
		kill()

		// At once: the old server may still be on its way out.
		next := startCluster(t, outlivesKills(dir))
		awaitEnd(t, server)
		if err := <-busy; err == nil {
			t.Errorf("life %d: a session outlived its server", life)
		}
		if got := sql(t, next, `select count(*)::text from kept`); got != fmt.Sprint(life+1) {
			t.Errorf("life %d: %s rows, want %d", life, got, life+1)
		}
		stopCluster(t, next)
	}
}

// awaitEnd waits until a process that is not our child has ended. Whoever
// inherited it may take its time to collect it, so a zombie counts as ended.
func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatalf("process %d lives on", pid)
}

// startGateway runs a gateway in a process of its own until kill is called,
// which is kill -9.
func startGateway(t *testing.T, dir string) (kill func(), url string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), gatewayDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = cmd.Process.Kill() // an error means that it has ended
		_ = cmd.Wait()         // its exit status says "killed"
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			kill()
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	url, serving := strings.CutPrefix(strings.TrimSpace(line), "serving ")
	if err != nil || !serving {
		t.Fatalf("gateway: %q, %v", line, err)
	}
	return kill, url
}
