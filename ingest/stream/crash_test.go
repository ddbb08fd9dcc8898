package stream

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"telltale/devices"
)

// crashDir, when set, makes this test binary the process that is killed.
const crashDir = "TELLTALE_TEST_CRASH_DIR"

func TestMain(m *testing.M) {
	var err error
	switch {
	case os.Getenv(crashDir) != "":
		err = appendForEver(os.Getenv(crashDir), os.Stdin, os.Stdout)
	case os.Getenv(fullDir) != "":
		err = appendOntoFullDisk(os.Getenv(fullDir))
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// appendForEver appends reports from several goroutines and prints each one as
// "device sequence" once it is acknowledged. The first line of in says at which
// sequence to begin.
func appendForEver(dir string, in io.Reader, out io.Writer) error {
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil {
		return err
	}
	first, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		return err
	}
	l, err := Open(context.Background(), Options{Dir: dir, Partitions: 4})
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make(chan error, 4)
	for d := range 4 {
		wg.Go(func() {
			device := fmt.Sprintf("fridge-%d", d)
			for n := first; ; n++ {
				if err := l.Append(context.Background(), time.Now(), []devices.Report{report(device, n)}, nil); err != nil {
					errs <- err
					return
				}
				fmt.Fprintf(out, "%s %d\n", device, n) // one write: a line is whole or missing
			}
		})
	}
	return <-errs
}

// TestKilledAppenderLosesNothingAcknowledged kills the process that holds the
// log ten times, at random moments, and looks each time for everything that it
// had acknowledged.
func TestKilledAppenderLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	acknowledged := make(map[devices.ID]int)
	for range 10 {
		next := 1
		for _, n := range acknowledged {
			next = max(next, n+1)
		}
		runAndKill(t, dir, next, acknowledged)
		checkStored(t, dir, acknowledged)
	}
	if len(acknowledged) != 4 {
		t.Errorf("only %d of 4 devices had anything acknowledged", len(acknowledged))
	}
}

// runAndKill notes the last sequence that each device had acknowledged.
func runAndKill(t *testing.T, dir string, first int, acknowledged map[devices.ID]int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	cmd.Stdin = strings.NewReader(strconv.Itoa(first) + "\n")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killAt := 1 + rand.IntN(200) // acknowledgements
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		var device string
		var seq int
		if _, err := fmt.Sscanf(lines.Text(), "%s %d", &device, &seq); err != nil {
			t.Fatalf("line %q: %v", lines.Text(), err)
		}
		acknowledged[devices.ID(device)] = seq
		if n == killAt {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the process ended by itself: %v", err)
	}
}

// checkStored opens the log as after a restart and compares.
func checkStored(t *testing.T, dir string, acknowledged map[devices.ID]int) {
	t.Helper()
	l := openLog(t, Options{Dir: dir})
	defer l.Close()
	stored := make(map[devices.ID]int)
	for p := range l.Partitions() {
		end, err := l.End(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		last := time.Time{}
		for r := reader(t, l, p, 0); r.Seq() < end; {
			m := next(t, r)
			if m.AppendedAt.Before(last) {
				t.Errorf("partition %d, sequence %d: time fell from %v to %v", p, m.Seq, last, m.AppendedAt)
			}
			last = m.AppendedAt
			for _, report := range m.Reports {
				// The same again is what was stored but not acknowledged before the kill.
				if int(report.Seq) < stored[report.Device] {
					t.Errorf("device %s: sequence %d after %d", report.Device, report.Seq, stored[report.Device])
				}
				stored[report.Device] = int(report.Seq)
			}
		}
	}
	for device, n := range acknowledged {
		if stored[device] < n {
			t.Errorf("device %s: acknowledged up to %d, stored up to %d", device, n, stored[device])
		}
	}
}
