package postgres_test

import (
	"testing"

	"telltale/internal/postgres"
)

func TestARunningClusterIsFoundByItsFolder(t *testing.T) {
	t.Parallel()
	dir := usedFolder(t)
	if _, running, err := postgres.RunningCluster(dir); err != nil || running {
		t.Fatalf("before the start: running %v, error %v", running, err)
	}
	cluster, err := postgres.StartCluster(t.Context(), postgres.ClusterOptions{Dir: dir, Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	url, running, err := postgres.RunningCluster(dir)
	if err != nil || !running || url != cluster.URL() {
		t.Errorf("RunningCluster = %q, %v, %v, want %q", url, running, err, cluster.URL())
	}
	if err := cluster.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, running, err := postgres.RunningCluster(dir); err != nil || running {
		t.Errorf("after the stop: running %v, error %v", running, err)
	}
}

// The server of a command ends with the command, so nobody else may use it.
func TestTheClusterOfACommandIsNoRunningCluster(t *testing.T) {
	t.Parallel()
	dir := usedFolder(t)
	startCluster(t, postgres.ClusterOptions{Dir: dir, Unsafe: true, Passing: true})
	if _, running, err := postgres.RunningCluster(dir); err != nil || running {
		t.Errorf("running %v, error %v", running, err)
	}
}
