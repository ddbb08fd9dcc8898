package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	stdio "io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"telltale/ingest"
	"telltale/ingest/codec"
	"telltale/internal/app"
	"telltale/internal/views"
)

type codecCmd struct {
	List codecListCmd `cmd:"" help:"List the formats, and the sources of a configuration."`
	Try  codecTryCmd  `cmd:"" help:"Decode a payload from standard input as the gateway would, and store nothing."`
}

type codecListCmd struct {
	target
}

// Run lists formats and sources.
func (c codecListCmd) Run(ctx context.Context, io *console) error {
	sources, err := c.sources(ctx, io)
	if err != nil {
		return err
	}
	fmt.Fprintf(io.out, "codecs: %s\n\n", strings.Join(codec.Codecs(), ", "))
	table := tabwriter.NewWriter(io.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "SOURCE\tFILTER\tCODEC\tDEVICE")
	for _, s := range sources {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", cmp.Or(s.Name, s.Filter), s.Filter, s.Codec, cmp.Or(s.Device, "(the codec's own)"))
	}
	return table.Flush()
}

func (c codecListCmd) sources(ctx context.Context, io *console) ([]codec.Source, error) {
	if c.Server != "" {
		r, err := c.remote()
		if err != nil {
			return nil, err
		}
		return r.Sources(ctx)
	}
	cfg, err := c.loadSources(io)
	return app.Sources(cfg), err
}

type codecTryCmd struct {
	Source string `help:"Name or filter of a source; not needed with --topic." placeholder:"NAME_OR_FILTER"`
	Topic  string `help:"Topic that the payload came on. Default: one of the source's on which readings come."`
	Hex    bool   `xor:"form" help:"The payload is written in hexadecimal."`
	Base64 bool   `name:"base64" xor:"form" help:"The payload is written in base64."`
	Script string `type:"existingfile" help:"Payload script to use in place of the model's." placeholder:"FILE.js"`
	FPort  *int   `name:"fport" help:"The payload is a bare LoRaWAN frame on this port, for --script to decode." placeholder:"N"`
	JSON   bool   `name:"json" help:"Print the result as JSON, as the API does."`
	target
}

// maxTried is the largest packet that the embedded broker reads, in hexadecimal.
// What is above a message's limit is refused with its size, as live.
const maxTried = 4 << 20

// errRefused makes the command fail after the complaint is printed.
var errRefused = errors.New("the payload would be refused")

// Run prints the readings, or the complaint.
func (c codecTryCmd) Run(ctx context.Context, io *console) error {
	q, err := c.request(io.in)
	if err != nil {
		return invalid(err)
	}
	trial, err := c.try(ctx, io, q)
	if err != nil {
		return err
	}
	if c.JSON {
		encoder := json.NewEncoder(io.out)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(trial); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	} else if err := printTrial(io, trial, q.Payload); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	if len(trial.Refusals) > 0 {
		return errRefused
	}
	return nil
}

// request reads the payload and the script.
func (c codecTryCmd) request(in stdio.Reader) (q ingest.TrialRequest, err error) {
	q = ingest.TrialRequest{Source: c.Source, Topic: c.Topic, FPort: c.FPort, ReceivedAt: time.Now().UTC()}
	switch {
	case c.FPort == nil && c.Source == "" && c.Topic == "":
		return q, errors.New("name a --source or a --topic, or give --script and --fport for a bare frame")
	case c.FPort != nil && c.Script == "":
		return q, errors.New("--fport is for a bare frame, which needs a --script")
	}
	if q.Payload, err = stdio.ReadAll(stdio.LimitReader(in, maxTried+1)); err != nil {
		return q, fmt.Errorf("read the payload: %w", err)
	}
	if len(q.Payload) > maxTried {
		return q, fmt.Errorf("the payload is longer than %d bytes; no message is", maxTried)
	}
	if q.Payload, err = c.bytes(q.Payload); err != nil {
		return q, err
	}
	if c.Script != "" {
		text, err := os.ReadFile(c.Script)
		if err != nil {
			return q, fmt.Errorf("read the script: %w", err)
		}
		q.Script = string(text)
	}
	return q, nil
}

// bytes undoes the form in which the payload is written.
func (c codecTryCmd) bytes(written []byte) ([]byte, error) {
	bare := string(bytes.Join(bytes.Fields(written), nil))
	switch {
	case c.Hex:
		payload, err := hex.DecodeString(bare)
		if err != nil {
			return nil, fmt.Errorf("payload is not hexadecimal: %w", err)
		}
		return payload, nil
	case c.Base64:
		payload, err := base64.StdEncoding.DecodeString(bare)
		if err != nil {
			return nil, fmt.Errorf("payload is not base64: %w", err)
		}
		return payload, nil
	default:
		return bytes.TrimSuffix(written, []byte("\n")), nil // which the shell appends
	}
}

func (c codecTryCmd) try(ctx context.Context, io *console, q ingest.TrialRequest) (views.Trial, error) {
	if c.Server != "" {
		r, err := c.remote()
		if err != nil {
			return views.Trial{}, err
		}
		return r.Try(ctx, q)
	}
	cfg, err := c.loadSources(io)
	if err != nil {
		return views.Trial{}, err
	}
	trial, err := app.Try(cfg, q)
	return views.ShowTrial(trial), invalid(err)
}
