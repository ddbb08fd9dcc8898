package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/dop251/goja"
)

// What a worker may take. The hard limit, of processor time as well, is for
// what the interpreter cannot interrupt: parsing, regular expressions,
// functions built in.
const (
	memoryLimit = 256 << 20 // bytes above what it starts with
	hardLimit   = time.Second
	stackLimit  = 64 << 20
	watchEvery  = 5 * time.Millisecond

	exitTooLong = 3 // status of a worker that ended itself at the hard limit
	maxCompiled = 256
)

// request is one message to a worker.
type request struct {
	Key    int           // of the script; one for one source
	Source *string       // nil: the worker is asked whether it knows the key
	Limit  time.Duration // processor time
	Check  bool          // only compile
	Input  Input
}

// response is the answer to it.
type response struct {
	Unknown bool // send it again, with the source
	Output  Output
	Error   *Error
}

// Work is what a worker process does: it answers requests from in on out until
// in ends. It limits the memory of the whole process and may end it at once
// (see [Runner]), so it is no function for any other process.
func Work(in io.Reader, out io.Writer) error {
	debug.SetMaxStack(stackLimit)
	debug.SetMemoryLimit(memoryLimit / 2) // collect early: the hard limit kills
	if err := limitMemory(memoryLimit); err != nil {
		return fmt.Errorf("limit memory: %w", err)
	}
	requests, responses := json.NewDecoder(in), json.NewEncoder(out)
	compiled := make(map[int]*program)
	for {
		var r request
		if err := requests.Decode(&r); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("read request: %w", err)
		}
		if err := responses.Encode(answer(compiled, r)); err != nil {
			return fmt.Errorf("write response: %w", err)
		}
	}
}

// answer does what a request asks for.
func answer(compiled map[int]*program, r request) (a response) {
	stop := watchdog(r.Limit, nil)
	p, known := compiled[r.Key]
	if !known && r.Source == nil {
		stop()
		return response{Unknown: true}
	}
	var err error
	if !known {
		p, err = compile(*r.Source)
	}
	stop()
	if err == nil && !known {
		if len(compiled) == maxCompiled {
			clear(compiled)
		}
		compiled[r.Key] = p
	}
	if err == nil && !r.Check {
		a.Output, err = p.run(r.Input, func(vm *goja.Runtime) func() { return watchdog(r.Limit, vm) })
	}
	if err != nil && !errors.As(err, &a.Error) {
		a.Error = &Error{Message: err.Error()}
	}
	return a
}

// watchdog interrupts vm, when there is one, after so much processor time of
// the process, which does nothing else; at the hard limit it ends the process.
// The result calls it off, and returns when it has gone.
func watchdog(limit time.Duration, vm *goja.Runtime) (stop func()) {
	done, gone := make(chan struct{}), make(chan struct{})
	used := processorTime()
	go func() {
		defer close(gone)
		ticker := time.NewTicker(watchEvery)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
			}
			spent := processorTime() - used
			if vm != nil && spent > limit {
				vm.Interrupt(fmt.Sprintf("ran longer than %s of processor time", limit))
			}
			if spent > hardLimit+limit {
				os.Exit(exitTooLong)
			}
		}
	}()
	return func() { close(done); <-gone }
}
