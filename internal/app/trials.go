package app

import (
	"context"
	"time"

	"telltale/devices"
	"telltale/ingest"
	"telltale/ingest/codec"
	"telltale/ingest/codec/script"
	"telltale/internal/config"
)

// Sources are the topics that a gateway of the configuration listens to,
// those of every gateway first.
func Sources(cfg config.Config) []codec.Source {
	return append(codec.BuiltIn(), sources(cfg.Sources)...)
}

// Try tries a message against a configuration alone: no gateway needs to run,
// and nothing is known of devices and models.
func Try(cfg config.Config, q ingest.TrialRequest) (_ ingest.Trial, err error) {
	var stops stack
	defer func() { _ = stops.unwind(context.Background()) }() // only processes of ours end
	runner, err := newScripts(&stops)
	if err != nil {
		return ingest.Trial{}, err
	}
	return ingest.Bench{Sources: sources(cfg.Sources), Clocks: clocks(cfg), RunScript: runScript(runner, nil)}.Try(q)
}

// trials tries messages for the console, with what the gateway knows.
type trials struct{ a *App }

// Sources is [console.Sources]'s.
func (t trials) Sources() []codec.Source { return Sources(t.a.cfg) }

// Try is [console.Sources]'s.
func (t trials) Try(ctx context.Context, q ingest.TrialRequest) (ingest.Trial, error) {
	q.ReceivedAt = time.Now().UTC()
	births, err := t.a.db.Births(ctx)
	if err != nil {
		return ingest.Trial{}, err
	}
	directory := t.a.declarations.Directory()
	return ingest.Bench{
		Sources: sources(t.a.cfg.Sources),
		Options: codec.Options{
			Births: births, Extra: t.a.codecs.Extra, Scripts: modelScripts{t.a.declarations.Directory, t.a.scripts},
		},
		Clocks: clocks(t.a.cfg), Directory: directory, RunScript: runScript(t.a.scripts, directory),
	}.Try(q)
}

// runScript decodes frames by a script that is no model's yet. The tags of a
// device in the directory, which may be nil, are its variables.
func runScript(runner *script.Runner, directory *devices.Directory) func(string, codec.Frame) ([]byte, error) {
	return func(source string, f codec.Frame) ([]byte, error) {
		in := script.Input{Bytes: f.Bytes, FPort: f.FPort, RecvTime: f.ObservedAt}
		if directory != nil {
			if device, ok := directory.Device(f.Device); ok {
				in.Variables = device.Tags
			}
		}
		out, err := runner.Decode(source, in)
		return out.Data, err
	}
}
