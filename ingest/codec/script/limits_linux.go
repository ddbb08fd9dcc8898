package script

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// limitMemory makes the system refuse this process more than so many bytes of
// memory above what it has now; the Go runtime then ends it.
func limitMemory(limit uint64) error {
	stat, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return fmt.Errorf("read size of process: %w", err)
	}
	fields := bytes.Fields(stat)
	if len(fields) < 6 {
		return fmt.Errorf("read size of process: %q has no sixth field", stat)
	}
	pages, err := strconv.ParseUint(string(fields[5]), 10, 64) // data and stack, proc_pid_statm(5)
	if err != nil {
		return fmt.Errorf("read size of process: %w", err)
	}
	limit += pages * uint64(os.Getpagesize())
	return syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: limit, Max: limit})
}

// processorTime returns what this process has used so far.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
