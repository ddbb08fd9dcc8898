package ingest

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// readNow reads what there is from a socket that does not block. The error is
// [syscall.EAGAIN] when there is nothing and [io.EOF] when there will be nothing.
func readNow(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), p)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			return 0, syscall.EAGAIN
		case err != nil:
			return 0, os.NewSyscallError("read", err)
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		}
		return n, nil
	}
}
