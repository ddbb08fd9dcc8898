package postgres

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// maxServerLog is the size at which the server's log is set aside at the next
// start; one older log is kept.
const maxServerLog = 16 << 20

// openLog opens the server's log for appending. It stays ours: the server
// writes through the descriptor.
func (f *clusterFolder) openLog() (*os.File, error) {
	if f.logSize() > maxServerLog {
		if err := os.Rename(f.logPath(), f.logPath()+".1"); err != nil {
			return nil, fmt.Errorf("set server log aside: %w", err)
		}
	}
	file, err := os.OpenFile(f.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open server log: %w", err)
	}
	return file, nil
}

// logSize returns the length of the log so far.
func (f *clusterFolder) logSize() int64 {
	info, err := os.Stat(f.logPath())
	if err != nil {
		return 0
	}
	return info.Size()
}

// logTailLimit is how much of the log an error quotes.
const logTailLimit = 4 << 10

// logTail returns the end of what the server wrote after the offset from.
func (f *clusterFolder) logTail(from int64) string {
	file, err := os.Open(f.logPath())
	if err != nil {
		return err.Error()
	}
	defer func() { _ = file.Close() }()
	size := f.logSize()
	if from > size {
		from = 0 // the log was set aside meanwhile
	}
	text, err := io.ReadAll(io.NewSectionReader(file, max(from, size-logTailLimit), logTailLimit))
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text))
}
