//go:build !linux

package influxtest

import "syscall"

// processAttributes leave the server to the test's cleanup.
func processAttributes() *syscall.SysProcAttr { return nil }
