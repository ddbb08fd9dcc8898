package main

import (
	"os"

	"telltale/ingest/codec/script"
)

// workerCmd is [app.ScriptWorker]: what the gateway starts to run payload
// scripts apart from itself.
type workerCmd struct{}

// Run runs scripts until the gateway closes standard input.
func (workerCmd) Run() error { return script.Work(os.Stdin, os.Stdout) }
