package influxtest

import "syscall"

// processAttributes make the server end with the test process, however that
// ends.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
