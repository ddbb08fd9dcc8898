package pgtest

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	one, other := New(t), New(t)
	if err := one.SaveSnapshot(t.Context(), 1, 5, 1, []byte("one")); err != nil {
		t.Fatal(err)
	}
	if seq, _, _, err := other.LoadSnapshot(t.Context(), 1); err != nil || seq != 0 {
		t.Errorf("the other database has the one's snapshot (at %d, err %v)", seq, err)
	}
}

func TestADatabaseIsDroppedWithItsTest(t *testing.T) {
	t.Parallel()
	var database string
	t.Run("the test", func(t *testing.T) {
		u, err := url.Parse(URL(t))
		if err != nil {
			t.Fatal(err)
		}
		database = u.Path[1:]
	})
	server, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.exec(t.Context(), "drop database "+database); err == nil {
		t.Errorf("database %s was still there", database)
	}
}

func TestAFolderGoesAwayWithWhoHoldsIt(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "it's \"watched\"")
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	hold, err := watch(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := hold.Close(); err != nil { // as the end of the process does
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Error("the folder is still there")
}

func TestFoldersThatNobodyUsesAreSweptUp(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	now := time.Now()
	makeFolder := func(name string, age time.Duration) string {
		dir := filepath.Join(tmp, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "lock"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(dir, now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	abandoned := makeFolder("telltale-pgtest-1", 2*time.Hour)
	starting := makeFolder("telltale-pgtest-2", time.Minute)
	used := makeFolder("telltale-pgtest-3", 2*time.Hour)
	stranger := makeFolder("something-else", 2*time.Hour)
	lock, err := os.Open(filepath.Join(used, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lock.Close() })
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}

	sweep(tmp, now)

	for dir, want := range map[string]bool{abandoned: false, starting: true, used: true, stranger: true} {
		if _, err := os.Stat(dir); (err == nil) != want {
			t.Errorf("%s: there %t, want %t", filepath.Base(dir), err == nil, want)
		}
	}
}
