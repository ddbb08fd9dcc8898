package script

import (
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"time"
)

// worker is one process that runs scripts, as its parent sees it. Who took it
// from the runner has it alone. The zero process is one to be started.
type worker struct {
	command   []string
	process   *exec.Cmd // nil: not running
	in        io.WriteCloser
	requests  *json.Encoder
	responses *json.Decoder
}

// killAfter is when a worker that does not even end itself is killed. It is
// long, for it is time on the wall: a busy machine is not the script's fault.
const killAfter = 30 * time.Second

// ask sends a request and returns the response. What cost the worker its life
// is an *Error; other errors say that none could be started. A worker that had
// been idle may have died of something else: only one just started is held
// against the script, or one that ended itself.
func (w *worker) ask(q request, source string) (response, error) {
	if w.process != nil {
		a, err := w.exchange(q, source)
		if err == nil {
			return a, nil
		}
		if status := w.end(); status > 0 {
			return response{}, cause(status)
		}
	}
	if err := w.start(); err != nil {
		return response{}, err
	}
	a, err := w.exchange(q, source)
	if err != nil {
		return response{}, cause(w.end())
	}
	return a, nil
}

// exchange asks without the source first: a worker mostly knows it.
func (w *worker) exchange(q request, source string) (response, error) {
	a, err := w.roundTrip(q)
	if err == nil && a.Unknown {
		q.Source = &source
		a, err = w.roundTrip(q)
	}
	return a, err
}

func (w *worker) roundTrip(q request) (a response, err error) {
	timer := time.AfterFunc(q.Limit+killAfter, func() { _ = w.process.Process.Kill() })
	defer timer.Stop()
	if err := w.requests.Encode(q); err != nil {
		return a, fmt.Errorf("write request: %w", err)
	}
	if err := w.responses.Decode(&a); err != nil {
		return a, fmt.Errorf("read response: %w", err)
	}
	return a, nil
}

func (w *worker) start() error {
	process := exec.Command(w.command[0], w.command[1:]...)
	process.Env = []string{"TZ=UTC"} // no secrets, and the same dates everywhere
	in, err := process.StdinPipe()
	if err != nil {
		return fmt.Errorf("start worker for scripts: %w", err)
	}
	out, err := process.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start worker for scripts: %w", err)
	}
	if err := process.Start(); err != nil {
		return fmt.Errorf("start worker for scripts: %w", err)
	}
	w.process, w.in = process, in
	w.requests, w.responses = json.NewEncoder(in), json.NewDecoder(out)
	return nil
}

// end ends the process, if there is one, and returns its exit status: above 0
// when it ended itself, -1 when it was killed.
func (w *worker) end() int {
	if w.process == nil {
		return 0
	}
	_ = w.in.Close() // a worker that waits for requests ends at this
	timer := time.AfterFunc(killAfter, func() { _ = w.process.Process.Kill() })
	defer timer.Stop()
	_ = w.process.Wait() // the status says it all
	status := w.process.ProcessState.ExitCode()
	w.process = nil
	return status
}

// cause says why a worker died of a script.
func cause(status int) *Error {
	if status == exitTooLong || status == -1 {
		return &Error{Message: fmt.Sprintf("ran longer than %s of processor time in one step that cannot be interrupted, such as a regular expression", hardLimit)}
	}
	return &Error{Message: fmt.Sprintf("took more than %d MiB of memory, or broke the interpreter", memoryLimit>>20)}
}
