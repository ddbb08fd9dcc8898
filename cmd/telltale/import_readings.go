package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"telltale/devices"
	"telltale/ingest/loggerfile"
	"telltale/internal/views"
)

// readingsKind is what "telltale import" calls the files of loggers, beside the
// kinds of declarations.
const readingsKind = "readings"

// Of rejected lines the different sentences are printed up to the one bound,
// and each up to the other.
const (
	shownRejections = 100
	shownAlike      = 5
)

// readingsImport is one file on its way.
type readingsImport struct {
	io       *console
	gateway  gateway
	name     string // as it was given
	part     views.ReadingsImport
	rejected int
	shown    int               // of them
	waiting  []views.Rejection // of lines that are read, in no order yet
	alike    map[string]int    // how often each sentence was said
	total    views.ImportResult
	progress func()
}

// importReadings brings the readings of a logger's file into a gateway.
func (c importCmd) importReadings(ctx context.Context, io *console) error {
	if c.Device != "" && !devices.ValidID(c.Device) {
		return invalid(fmt.Errorf("--device %q is no device id", c.Device))
	}
	file, err := os.Open(c.File)
	if err != nil {
		return invalid(err)
	}
	defer file.Close()
	hash, size, err := hashFile(file)
	if err != nil {
		return err
	}
	return c.with(ctx, io, func(g gateway) error {
		r := &readingsImport{io: io, gateway: g, name: c.File, progress: func() {}, alike: make(map[string]int)}
		r.part = views.ReadingsImport{File: hash, Name: filepath.Base(c.File), DryRun: c.DryRun}
		source := &countingReader{r: file}
		if isTerminal(io.err) && size > 0 {
			r.progress = func() { fmt.Fprintf(io.err, "\r%s", bar(float64(source.n)/float64(size))) }
			defer fmt.Fprintln(io.err)
		}
		if err := r.run(ctx, loggerfile.Format(c.Format), source, devices.ID(c.Device)); err != nil {
			return err
		}
		return r.report()
	})
}

// run reads the file and sends it part by part.
func (r *readingsImport) run(ctx context.Context, format loggerfile.Format, source io.Reader, device devices.ID) error {
	for e, err := range loggerfile.Read(format, source, device) {
		var line *loggerfile.LineError
		switch {
		case errors.As(err, &line):
			r.waiting = append(r.waiting, views.Rejection{Line: line.Line, Detail: line.Err.Error()})
			continue
		case err != nil:
			return invalid(errors.Join(fmt.Errorf("%s: %w", r.name, err), r.interrupted()))
		}
		r.part.Entries = append(r.part.Entries, views.NewImportEntry(e))
		if len(r.part.Entries) == views.MaxImport {
			if err := r.send(ctx); err != nil {
				return errors.Join(err, r.interrupted())
			}
		}
	}
	if err := r.send(ctx); err != nil {
		return errors.Join(err, r.interrupted())
	}
	return nil
}

func (r *readingsImport) send(ctx context.Context) error {
	defer r.tell()
	if len(r.part.Entries) == 0 {
		return nil
	}
	result, err := r.gateway.ImportReadings(ctx, r.part)
	if err != nil {
		return err
	}
	r.waiting = append(r.waiting, result.Rejected...)
	r.total.Readings += result.Readings
	r.total.Alarms += result.Alarms
	r.part.Entries = r.part.Entries[:0]
	r.progress()
	return nil
}

// tell prints the lines that are rejected, as they stand in the file: those
// that cannot be read and those that the gateway does not believe.
func (r *readingsImport) tell() {
	slices.SortStableFunc(r.waiting, func(a, b views.Rejection) int { return cmp.Compare(a.Line, b.Line) })
	for _, rejection := range r.waiting {
		r.reject(rejection)
	}
	r.waiting = r.waiting[:0]
}

// reject prints a line and why it is rejected, unless the same was said of
// shownAlike lines already.
func (r *readingsImport) reject(rejection views.Rejection) {
	r.rejected++
	if _, known := r.alike[rejection.Detail]; !known && len(r.alike) == shownRejections {
		return
	}
	if r.alike[rejection.Detail]++; r.alike[rejection.Detail] <= shownAlike {
		r.shown++
		fmt.Fprintf(r.io.err, "%s:%d: %s\n", r.name, rejection.Line, rejection.Detail)
	}
}

// interrupted says how far an import came that is broken off.
func (r *readingsImport) interrupted() error {
	if r.total.Readings == 0 || r.part.DryRun {
		return nil
	}
	return fmt.Errorf("%d readings are stored already; import the file again, which stores none twice", r.total.Readings)
}

// report prints what became of the file.
func (r *readingsImport) report() error {
	if more := r.rejected - r.shown; more > 0 {
		fmt.Fprintf(r.io.err, "%s: and %d more lines\n", r.name, more)
	}
	verb := "stored"
	if r.part.DryRun {
		verb = "would be stored"
	}
	alarms := ""
	if r.total.Alarms > 0 { // a CSV has none
		alarms = fmt.Sprintf(" and %d alarms of the logger", r.total.Alarms)
	}
	fmt.Fprintf(r.io.out, "%d readings%s %s, %d lines rejected\n", r.total.Readings, alarms, verb, r.rejected)
	if r.rejected > 0 {
		return invalid(errors.New("some lines were rejected"))
	}
	return nil
}

// hashFile returns the file's SHA-256 and size, and goes back to its beginning.
func hashFile(file *os.File) (hash string, size int64, err error) {
	h := sha256.New()
	if size, err = io.Copy(h, file); err != nil {
		return "", 0, fmt.Errorf("read %s: %w", file.Name(), err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return "", 0, fmt.Errorf("read %s: %w", file.Name(), err)
	}
	return hex.EncodeToString(h.Sum(nil)), size, nil
}

// countingReader counts what is read through it.
type countingReader struct {
	r io.Reader
	n int64
}

// Read implements [io.Reader].
func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// isTerminal reports whether a person looks at what is written to w.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
