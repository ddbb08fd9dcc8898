package postgres

import (
	"testing"
)

func TestARunningClusterIsFoundByItsFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, running, err := RunningCluster(dir); err != nil || running {
		t.Fatalf("before the start: running %v, error %v", running, err)
	}
	cluster, err := StartCluster(t.Context(), ClusterOptions{Dir: dir, Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	url, running, err := RunningCluster(dir)
	if err != nil || !running || url != cluster.URL() {
		t.Errorf("RunningCluster = %q, %v, %v, want %q", url, running, err, cluster.URL())
	}
	if err := cluster.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, running, err := RunningCluster(dir); err != nil || running {
		t.Errorf("after the stop: running %v, error %v", running, err)
	}
}
