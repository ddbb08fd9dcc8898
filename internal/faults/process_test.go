package faults

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"telltale/internal/gatewaytest"
)

// process is a program that can be killed and started again.
type process struct {
	t       testing.TB
	name    string
	command func() *exec.Cmd
	ready   func() bool
	log     string // file with its output
	cmd     *exec.Cmd
	ended   chan error // gets what Wait returned
}

// newProcess returns a process that is not started yet. It is killed at the
// end of the test, and what it wrote is shown when the test has failed.
func newProcess(t testing.TB, name string, command func() *exec.Cmd, ready func() bool) *process {
	t.Helper()
	p := &process{t: t, name: name, command: command, ready: ready, log: filepath.Join(t.TempDir(), name+".log")}
	t.Cleanup(func() {
		p.kill()
		p.judgeLog()
	})
	return p
}

// again returns this test binary in a role.
func again(role string, env ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), append(env, roleVariable+"="+role)...)
	return cmd
}

// start runs the process and returns when it is ready.
func (p *process) start() {
	p.t.Helper()
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	p.cmd = p.command()
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if p.ended, err = launch(p.cmd); err != nil {
		p.t.Fatalf("start %s: %v", p.name, err)
	}
	gatewaytest.Await(p.t, p.name+" to be ready", p.ready)
}

// launch starts a command that does not outlive this process, even when that
// is killed: no test leaves servers behind.
func launch(cmd *exec.Cmd) (ended chan error, err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started, ended := make(chan error, 1), make(chan error, 1)
	go func() {
		// The signal is sent when the thread ends that started the child, and
		// Go ends idle threads.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			ended <- cmd.Wait()
		}
	}()
	return ended, <-started
}

// kill is kill -9. It may be called when nothing runs.
func (p *process) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	<-p.ended
	p.cmd = nil
}

// stop asks the process to end, and fails the test when it does not end well.
func (p *process) stop() {
	p.t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	if err := <-p.ended; err != nil {
		p.t.Errorf("%s ended with %v", p.name, err)
	}
	p.cmd = nil
}

// judgeLog fails the test when the race detector spoke in any of the
// process's lives, and shows the end of the log of a failed test.
func (p *process) judgeLog() {
	text, err := os.ReadFile(p.log)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		p.t.Error(err)
		return
	}
	for _, bad := range []string{"WARNING: DATA RACE", "\npanic: ", "\nfatal error: "} {
		if at := strings.Index(string(text), bad); at >= 0 {
			p.t.Errorf("%s: %s", p.name, text[at:min(len(text), at+6000)])
		}
	}
	if p.t.Failed() {
		p.t.Logf("%s wrote at last:\n%s", p.name, text[max(0, len(text)-6000):])
	}
}

// listens reports whether somebody listens at an address.
func listens(address string) func() bool {
	return func() bool {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}
}

// pass lets time go by while load and fault go on: the one thing that this
// package waits for which is no event.
func pass(t testing.TB, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}
