package faults

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The host's clock is not ours to step, and Go asks the kernel for the time
// past every library that could lie about it. So a gateway whose clock is
// stepped rewrites, in its own memory, the function that the kernel lends to
// each process for that purpose (the vDSO's clock_gettime): the wall clock has
// a number of seconds added that stands in a file, the monotonic clock stays
// as it is. Just that happens when an administrator sets a clock.

// shiftClock makes this process's wall clock follow the file.
func shiftClock(file string) error {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	shift, err := unix.Mmap(int(f.Fd()), 0, 8, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map the clock's shift: %w", err)
	}
	code, now, spare, err := lentFunctions()
	if err != nil {
		return err
	}
	if err := unix.Mprotect(code, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC); err != nil {
		return fmt.Errorf("make the lent functions writable: %w", err)
	}
	ours := []byte{
		0xB8, unix.SYS_CLOCK_GETTIME, 0, 0, 0, // mov eax, SYS_clock_gettime
		0x0F, 0x05, //                            syscall
		0x85, 0xFF, //                            test edi, edi: CLOCK_REALTIME?
		0x75, 0x10, //                            jne to the ret
		0x48, 0xB9, //                            mov rcx, address of the shift
	}
	ours = binary.LittleEndian.AppendUint64(ours, uint64(uintptr(unsafe.Pointer(&shift[0]))))
	ours = append(ours,
		0x48, 0x8B, 0x09, // mov rcx, [rcx]
		0x48, 0x01, 0x0E, // add [rsi], rcx: the seconds
		0xC3) //             ret
	copy(code[spare:], ours)
	// The runtime is asking for the time all along, so the way to our function
	// is opened by one store.
	jump := uint64(0xE9) | uint64(uint32(int32(spare-(now+5))))<<8
	atomic.StoreUint64((*uint64)(unsafe.Pointer(&code[now])), jump)
	return nil
}

// lentFunctions returns the vDSO, and where in it clock_gettime stands and a
// function that Go does not use.
func lentFunctions() (code []byte, now, spare int, err error) {
	auxv, err := os.ReadFile("/proc/self/auxv")
	if err != nil {
		return nil, 0, 0, err
	}
	const sysinfoEhdr = 33
	for ; len(auxv) >= 16; auxv = auxv[16:] {
		if binary.LittleEndian.Uint64(auxv) == sysinfoEhdr {
			base := uintptr(binary.LittleEndian.Uint64(auxv[8:]))
			code = unsafe.Slice((*byte)(unsafe.Add(nil, base)), 2*os.Getpagesize())
		}
	}
	if code == nil {
		return nil, 0, 0, errors.New("the kernel lends no functions")
	}
	file, err := elf.NewFile(bytes.NewReader(code))
	if err != nil {
		return nil, 0, 0, err
	}
	symbols, err := file.DynamicSymbols()
	if err != nil {
		return nil, 0, 0, err
	}
	for _, s := range symbols {
		switch s.Name {
		case "__vdso_clock_gettime":
			now = int(s.Value)
		case "__vdso_gettimeofday":
			spare = int(s.Value)
		}
	}
	if now == 0 || spare == 0 || now%8 != 0 {
		return nil, 0, 0, fmt.Errorf("no place for another clock: %d, %d", now, spare)
	}
	return code, now, spare, nil
}

// step sets the gateway's clock apart from the host's.
func (w *world) step(t *testing.T, shift time.Duration) {
	t.Helper()
	seconds := binary.LittleEndian.AppendUint64(nil, uint64(int64(shift/time.Second)))
	f, err := os.OpenFile(w.clock, os.O_CREATE|os.O_WRONLY, 0o600) // never shorter: the gateway has it mapped
	if err == nil {
		_, err = f.Write(seconds)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestClockSteps sets the host's clock, as the gateway sees it, forward and
// back while it works: by an hour, as one does who has mistaken the zone; by
// half a minute, longer than any patience; to before the gateway was started.
func TestClockSteps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.clock = w.dir + "/clock"
	w.step(t, 0)
	w.begin("stepped")
	f := launchFleet(t, "stepped", w.devicesReach(), w.start)
	steps := []time.Duration{time.Hour, 0, -30 * time.Second, -time.Hour, -26 * time.Hour, 40 * time.Second, 26 * time.Hour, 0}
	for range times() {
		for _, shift := range steps {
			f.awaitMore(t, w.rand, 200)
			w.step(t, shift)
			w.checkClock(t, shift)
		}
	}
	f.awaitMore(t, w.rand, 500)
	w.settle(t, "clock steps of up to 26 hours", f).conclude(t)
	w.end()
}
