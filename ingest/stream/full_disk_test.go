package stream

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"telltale/devices"
)

// fullDir, when set, makes this test binary the process whose disk fills up.
const fullDir = "TELLTALE_TEST_FULL_DIR"

// TestLogGoesOnWhenItsDiskHasRoomAgain plays a full disk by the limit on the
// size of files, which is a process's own.
func TestLogGoesOnWhenItsDiskHasRoomAgain(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), fullDir+"="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func appendOntoFullDisk(dir string) error {
	ctx := context.Background()
	l, err := Open(ctx, Options{Dir: dir, Partitions: 1})
	if err != nil {
		return err
	}
	defer l.Close()
	r, err := l.Read(ctx, 0, 0)
	if err != nil {
		return err
	}

	stored := 0
	add := func() error {
		attempt, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		big := report("fridge-1", stored+1)
		big.Faults = []string{strings.Repeat("x", 10_000)}
		err := l.Append(attempt, time.Now(), []devices.Report{big}, nil)
		if err == nil {
			stored++
		}
		return err
	}
	for range 3 {
		if err := add(); err != nil {
			return err
		}
	}
	if err := fill(add); err != nil {
		return err
	}
	before := stored
	if err := limitFiles(unix.RLIM_INFINITY); err != nil {
		return err
	}
	for deadline := time.Now().Add(30 * time.Second); stored < before+3; {
		if err := add(); err != nil && time.Now().After(deadline) {
			return fmt.Errorf("there is room again, but: %w", err)
		}
	}
	return checkSequence(ctx, r, stored)
}

// fill appends until the files may grow no more.
func fill(add func() error) error {
	signal.Ignore(unix.SIGXFSZ)
	if err := limitFiles(200_000); err != nil {
		return err
	}
	for range 100 {
		if add() != nil {
			return nil
		}
	}
	return errors.New("the disk never filled up")
}

func limitFiles(bytes uint64) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = min(bytes, limit.Max)
	return unix.Setrlimit(unix.RLIMIT_FSIZE, &limit)
}

// checkSequence reads with a reader that was there all the time. What was
// tried and failed may be there twice.
func checkSequence(ctx context.Context, r *Reader, n int) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for seen := uint64(0); seen < uint64(n); {
		m, err := r.Next(ctx)
		if err != nil {
			return fmt.Errorf("read report %d of %d: %w", seen+1, n, err)
		}
		for _, report := range m.Reports {
			if report.Seq > seen+1 {
				return fmt.Errorf("report %d is missing", seen+1)
			}
			seen = max(seen, report.Seq)
		}
	}
	return nil
}
