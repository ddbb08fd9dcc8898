//go:build !linux

package postgres

import "syscall"

// serverProcess says how the server runs. Without Linux's parent death signal
// a killed gateway leaves its server behind; the next start then says that the
// folder is in use. Telltale is run on Linux and only developed elsewhere.
func serverProcess(id *identity) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if id != nil {
		attr.Credential = &syscall.Credential{Uid: uint32(id.uid), Gid: uint32(id.gid)}
	}
	return attr
}

// clearOrphans leaves stale servers to PostgreSQL's own check.
func (f *clusterFolder) clearOrphans(<-chan struct{}) error { return nil }
