package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"telltale/internal/postgres"
	"telltale/internal/postgres/pgtest"
)

func TestAClusterKeepsItsDataOverAStop(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "with", "its", "parents")
	first := startCluster(t, postgres.ClusterOptions{Dir: dir, Unsafe: true})
	sql(t, first, `create table kept as select 42 as answer`)
	stopCluster(t, first)

	second := startCluster(t, postgres.ClusterOptions{Dir: dir, Unsafe: true})
	if got := sql(t, second, `select answer from kept`); got != "42" {
		t.Errorf("after a stop and a start: %q, want 42", got)
	}
}

func TestAClusterIsCrashSafeByDefault(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, postgres.ClusterOptions{
		Dir: t.TempDir(), Settings: map[string]string{"work_mem": "9MB"},
	})
	for setting, want := range map[string]string{
		"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "data_checksums": "on",
		"listen_addresses": "", "server_encoding": "UTF8", "TimeZone": "UTC", "work_mem": "9MB",
	} {
		if got := sql(t, cluster, "show "+setting); got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
}

func TestAKilledServerIsStartedAgain(t *testing.T) {
	t.Parallel()
	dir := usedFolder(t)
	cluster := startCluster(t, outlivesKills(dir))
	sql(t, cluster, `create table kept (n int)`)
	for n := range 2 {
		sql(t, cluster, fmt.Sprintf(`insert into kept values (%d)`, n))
		pid := postmaster(t, dir)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		awaitServer(t, cluster, pid)
	}
	if got := sql(t, cluster, `select count(*)::text from kept`); got != "2" {
		t.Errorf("%s rows, want 2: every one was committed before the kill", got)
	}
}

func TestAFolderBelongsToOneCluster(t *testing.T) {
	t.Parallel()
	dir := usedFolder(t)
	first := startCluster(t, postgres.ClusterOptions{Dir: dir, Unsafe: true})
	_, err := postgres.StartCluster(t.Context(), postgres.ClusterOptions{Dir: dir, Unsafe: true})
	want := fmt.Sprintf("in use by process %d", os.Getpid())
	if !errors.Is(err, postgres.ErrInUse) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second start: %v, want the folder and %q", err, want)
	}
	sql(t, first, `select 1`) // undisturbed
}

func TestAStartWaitsForTheEndOfAPassingCluster(t *testing.T) {
	t.Parallel()
	dir := usedFolder(t)
	first := startCluster(t, postgres.ClusterOptions{Dir: dir, Unsafe: true, Passing: true})
	core, logged := observer.New(zap.WarnLevel)
	ended := make(chan error, 1)
	go func() {
		second, err := postgres.StartCluster(t.Context(), postgres.ClusterOptions{
			Dir: dir, Unsafe: true, Log: zap.New(core),
		})
		if err == nil {
			err = second.Stop(context.Background())
		}
		ended <- err
	}()
	for logged.FilterMessage("a command has the database folder, waiting for its end").Len() == 0 {
		select {
		case err := <-ended:
			t.Fatalf("did not wait: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	stopCluster(t, first)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestAClusterStartsWhereItsServerCouldNotGoAlone(t *testing.T) {
	t.Parallel()
	private := filepath.Join(t.TempDir(), "private")
	if err := os.Mkdir(private, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{
		"a folder below one that only we may enter":  filepath.Join(private, "db"),
		"a path too long for a socket":               filepath.Join(private, strings.Repeat("long/", 30), "db"),
		"a path with everything a shell cares about": filepath.Join(private, `it's "$HOME" \ & ünïcode %20?x=1`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := startCluster(t, postgres.ClusterOptions{Dir: dir, Unsafe: true})
			if got := sql(t, cluster, `select 'here'`); got != "here" {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestWhatAKillDuringTheFirstStartLeftIsNoObstacle(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	halfMade := filepath.Join(dir, "data.new", "base")
	if err := os.MkdirAll(halfMade, 0o700); err != nil {
		t.Fatal(err)
	}
	startCluster(t, postgres.ClusterOptions{Dir: dir, Unsafe: true})
	if _, err := os.Stat(filepath.Join(dir, "data.new")); !os.IsNotExist(err) {
		t.Errorf("the half-made database is still there (%v)", err)
	}
}

func TestAStalePidFileIsNoObstacle(t *testing.T) {
	t.Parallel()
	dir := usedFolder(t)
	// In a restarted container the number is soon another process's.
	stale := fmt.Sprintf("%d\n%s\n", os.Getpid(), filepath.Join(dir, "data"))
	if err := os.WriteFile(filepath.Join(dir, "data", "postmaster.pid"), []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	startCluster(t, postgres.ClusterOptions{Dir: dir, Unsafe: true})
}

func TestAStartThatFailsSaysWhatTheServerSaid(t *testing.T) {
	t.Parallel()
	_, err := postgres.StartCluster(t.Context(), postgres.ClusterOptions{
		Dir: usedFolder(t), Unsafe: true, Settings: map[string]string{"shared_buffers": "plenty"},
	})
	if err == nil || !strings.Contains(err.Error(), `invalid value for parameter "shared_buffers": "plenty"`) {
		t.Errorf("got %v, want the server's own words", err)
	}
}

func TestAStartThatIsCalledOffLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := postgres.StartCluster(ctx, postgres.ClusterOptions{Dir: dir, Unsafe: true}); err == nil {
		t.Fatal("a cancelled start succeeded")
	}
	startCluster(t, postgres.ClusterOptions{Dir: dir, Unsafe: true}) // and nothing in the way
}

func TestUnusableProgramsAreNamed(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	used := usedFolder(t)
	// A cluster of a version that nobody has installed.
	if err := os.WriteFile(filepath.Join(used, "data", "PG_VERSION"), []byte("9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		opts postgres.ClusterOptions
		want []string
	}{
		{
			"no programs", postgres.ClusterOptions{Dir: t.TempDir(), BinDir: empty},
			[]string{empty, "initdb, postgres", "apt install postgresql"},
		},
		{
			"programs of another version", postgres.ClusterOptions{Dir: used},
			[]string{"made by PostgreSQL 9", "is installed", "postgresql-9", "pg_upgrade"},
		},
		{"no folder", postgres.ClusterOptions{}, []string{"database folder: not given"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := postgres.StartCluster(t.Context(), c.opts)
			if err == nil {
				t.Fatal("started")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

func TestStoppingTwiceIsStoppingOnce(t *testing.T) {
	t.Parallel()
	dir := usedFolder(t)
	cluster := startCluster(t, postgres.ClusterOptions{Dir: dir, Unsafe: true})
	pid := postmaster(t, dir)
	stopCluster(t, cluster)
	stopCluster(t, cluster)
	if err := syscall.Kill(pid, 0); err == nil {
		t.Errorf("the server %d lives on", pid)
	}
}

func TestAStopWithoutPatienceIsRecoveredFrom(t *testing.T) {
	t.Parallel()
	dir := usedFolder(t)
	cluster := startCluster(t, outlivesKills(dir))
	sql(t, cluster, `create table kept as select 42 as answer`)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_ = cluster.Stop(over) // whether it was quick enough does not matter here

	again := startCluster(t, outlivesKills(dir))
	if got := sql(t, again, `select answer from kept`); got != "42" {
		t.Errorf("got %q, want 42", got)
	}
}

// usedFolder returns the folder of a cluster that ran before, for tests that
// are about something else than a first start.
func usedFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	pgtest.Folder(t, dir)
	return dir
}

// outlivesKills returns options for tests that kill processes but not the
// machine: commits reach the operating system, which need not sync them.
func outlivesKills(dir string) postgres.ClusterOptions {
	return postgres.ClusterOptions{Dir: dir, Unsafe: true, Settings: map[string]string{"synchronous_commit": "on"}}
}

func startCluster(t *testing.T, opts postgres.ClusterOptions) *postgres.Cluster {
	t.Helper()
	cluster, err := postgres.StartCluster(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopCluster(t, cluster) })
	return cluster
}

func stopCluster(t *testing.T, cluster *postgres.Cluster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	if err := cluster.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// sql runs a statement on a connection of its own and returns the first value
// of its result, "" when it has none.
func sql(t *testing.T, cluster *postgres.Cluster, statement string) string {
	t.Helper()
	value, err := trySQL(t.Context(), cluster.URL(), statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return value
}

func trySQL(ctx context.Context, url, statement string) (string, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(ctx) }()
	results, err := conn.PgConn().Exec(ctx, statement).ReadAll()
	if err != nil {
		return "", err
	}
	for _, r := range results {
		if len(r.Rows) > 0 {
			return string(r.Rows[0][0]), nil
		}
	}
	return "", nil
}

// postmaster returns the process number of the server in dir.
func postmaster(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// awaitServer waits until a server answers that is not the killed one.
func awaitServer(t *testing.T, cluster *postgres.Cluster, killed int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		alive, err := trySQL(ctx, cluster.URL(), `select (pg_stat_file('postmaster.pid')).size::text`)
		if err == nil && alive != "" && syscall.Kill(killed, 0) != nil {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatalf("the server was not started again in time")
}
