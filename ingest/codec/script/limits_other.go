//go:build !linux

package script

import "time"

// limitMemory does nothing: other systems keep no count of a process's own
// memory that they would limit. There the time limits bound it.
func limitMemory(uint64) error { return nil }

// processorTime is the time on the wall, which is never less.
func processorTime() time.Duration { return time.Duration(time.Now().UnixNano()) }
