package app

import (
	"context"
	"fmt"
	"os"

	"telltale/devices"
	"telltale/ingest/codec"
	"telltale/ingest/codec/script"
)

// ScriptWorker is the command that makes this binary a worker for payload
// scripts, see [script.Work]. Whatever binary holds this package must know it.
const ScriptWorker = "script-worker"

// newScripts returns what runs payload scripts, in processes of this binary.
func newScripts(stops *stack) (*script.Runner, error) {
	// On Linux this name holds good after an upgrade has put another file in
	// the place of the one that runs.
	self := "/proc/self/exe"
	if _, err := os.Stat(self); err != nil {
		if self, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("find own binary to run payload scripts: %w", err)
		}
	}
	runner, err := script.NewRunner(script.Options{Command: []string{self, ScriptWorker}})
	if err != nil {
		return nil, err
	}
	stops.onStop("payload scripts", func(context.Context) error { return runner.Close() })
	return runner, nil
}

// modelScripts decodes frames by the scripts of the declared models. A
// device's tags are the variables of its script.
type modelScripts struct {
	directory func() *devices.Directory
	runner    *script.Runner
}

var _ codec.Scripts = modelScripts{}

// Decode implements [codec.Scripts].
func (s modelScripts) Decode(f codec.Frame) ([]byte, error) {
	directory := s.directory()
	device, ok := directory.Device(f.Device)
	if !ok {
		return nil, fmt.Errorf("%s: %w", f.Device, devices.ErrUnknown)
	}
	model, ok := directory.Model(device.Model)
	if !ok || model.Decoder == "" {
		return nil, fmt.Errorf("%s: %w", device.Model, codec.ErrNoScript)
	}
	out, err := s.runner.Decode(model.Decoder, script.Input{
		Bytes: f.Bytes, FPort: f.FPort, RecvTime: f.ObservedAt, Variables: device.Tags,
	})
	return out.Data, err
}
