package script

import (
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

const good = `function decodeUplink(input) { return {data: {n: input.bytes.length}}; }`

// attacks are scripts that want more than they may have, and what is said of
// them. Afterwards others run as before.
var attacks = []struct{ name, source, want string }{
	{"a loop without end", "function decodeUplink() {\n  for (;;) {}\n}", "ran longer than 50ms of processor time (line "},
	{"a loop without end while loading", "while (true); function decodeUplink() {}", "ran longer than 50ms of processor time"},
	{"recursion without end", "function decodeUplink() {\n return decodeUplink();\n}", "calls go deeper than 512 (line 2:"},
	{"a loop that catches its interruption", "function decodeUplink() { for (;;) { try { for (;;) {} } catch (e) {} finally { continue; } } }", "ran longer than 50ms of processor time"},
	{"an exception that counts for ever", "function decodeUplink() { throw {toString: function () { for (;;) {} }}; }", "ran longer than 50ms of processor time"},
	{"an exception that throws", "function decodeUplink() { throw {toString: function () { throw this; }}; }", ""},
	{"a value that counts for ever", "function decodeUplink() { return {data: {a: {toJSON: function () { for (;;) {} }}}}; }", "ran longer than 50ms of processor time"},
	{"a proxy that counts for ever", "function decodeUplink() { return new Proxy({}, {ownKeys: function () { for (;;) {} }}); }", "ran longer than 50ms of processor time"},
	{"a text that doubles", "function decodeUplink() { var s = 'x'; for (;;) s += s; }", ""},
	{"a text repeated", "function decodeUplink() { var a = []; for (;;) a.push('x'.repeat(1 << 29)); }", ""},
	{"a list of a thousand million", "function decodeUplink() { return {data: {n: new Array(1e9).fill(7).length}}; }", ""},
	{"a list that grows", "function decodeUplink() { var a = []; for (;;) a.push([1,2,3,4,5,6,7,8]); }", ""},
	{"a buffer of gigabytes", "function decodeUplink() { return {data: {n: new Uint8Array(new ArrayBuffer(8e9)).fill(1).length}}; }", ""},
	{"a built-in function without end", "function decodeUplink() { return Array.prototype.indexOf.call({length: Math.pow(2, 53) - 1}, 1); }", "ran longer than 1s of processor time in one step"},
	{"a regular expression without end", "function decodeUplink() { return {data: {m: /^(?=(a+)+$)(a|aa)+$/.test(new Array(60).join('a') + 'b')}}; }", ""},
	{"joined emptiness", "function decodeUplink() { return {data: {s: new Array(1 << 30).join('abcdefgh')}}; }", ""},
	{"brackets without end", strings.Repeat("(", MaxSource), ""},
	{"labels without end", strings.Repeat("a:", MaxSource/2), ""},
	{"sums without end", "function decodeUplink() {} " + strings.Repeat("1+", 100000) + "1", ""},
}

func TestScriptsThatWantTooMuchCostOnlyThemselves(t *testing.T) {
	t.Parallel()
	r := newRunner(t, Options{Workers: 1})
	for _, a := range attacks {
		began := time.Now()
		_, err := r.Decode(a.source, Input{Bytes: []byte{1}})
		var e *Error
		if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), a.want) {
			t.Errorf("%s: got %v, want %s...", a.name, err, a.want)
		}
		t.Logf("%s: %s: %.120v", a.name, time.Since(began).Round(time.Millisecond), err)
		if out, err := r.Decode(good, Input{Bytes: []byte{1, 2}}); err != nil || string(out.Data) != `{"n":2}` {
			t.Fatalf("after %s: %s, %v", a.name, out.Data, err)
		}
	}
}

func TestAScriptThatHadToBeKilledIsNotRunForAMinute(t *testing.T) {
	t.Parallel()
	r := newRunner(t, Options{Workers: 1})
	now := at("2026-03-01T12:00:00Z")
	r.now = func() time.Time { return now }
	const source = `function decodeUplink(i) {
		if (i.bytes[0] === 0) return {data: {n: 1}};
		return Array.prototype.indexOf.call({length: Math.pow(2, 53) - 1}, 1);
	}`
	if _, err := r.Decode(source, Input{Bytes: []byte{1}}); err == nil {
		t.Fatal("no error")
	}
	_, err := r.Decode(source, Input{Bytes: []byte{0}})
	want := "not run for 1m0s after it had to be killed: ran longer than 1s of processor time in one step that cannot be interrupted, such as a regular expression"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	now = now.Add(time.Minute)
	if out, err := r.Decode(source, Input{Bytes: []byte{0}}); err != nil || string(out.Data) != `{"n":1}` {
		t.Errorf("after a minute: %s, %v", out.Data, err)
	}
}

func TestAWorkerKilledWhileIdleIsNotHeldAgainstTheScript(t *testing.T) {
	t.Parallel()
	r := newRunner(t, Options{Workers: 1})
	if _, err := r.Decode(good, Input{}); err != nil {
		t.Fatal(err)
	}
	w := <-r.idle
	if err := w.process.Process.Signal(os.Kill); err != nil {
		t.Fatal(err)
	}
	r.idle <- w
	if _, err := r.Decode(good, Input{}); err != nil {
		t.Error(err)
	}
}

func TestAWorkerThatCannotBeStartedIsNotHeldAgainstTheScript(t *testing.T) {
	t.Parallel()
	r, err := NewRunner(Options{Command: []string{"/nowhere/telltale"}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err = r.Decode(good, Input{})
		var e *Error
		if err == nil || errors.As(err, &e) || !strings.Contains(err.Error(), "/nowhere/telltale") {
			t.Errorf("got %v", err)
		}
	}
}

func TestScriptsRunAtOnceWithoutMixingUp(t *testing.T) {
	t.Parallel()
	r := newRunner(t, Options{Workers: 2})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			source := strings.Repeat(" ", i) + `function decodeUplink(input) { return {data: {n: input.bytes.length}}; }`
			for n := range 50 {
				out, err := r.Decode(source, Input{Bytes: make([]byte, i)})
				if want := `{"n":` + string(rune('0'+i)) + `}`; err != nil || string(out.Data) != want {
					t.Errorf("round %d: got %s, %v, want %s", n, out.Data, err, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestCheckRunsNothing(t *testing.T) {
	t.Parallel()
	r := newRunner(t, Options{})
	if err := r.Check("for (;;) {} function decodeUplink() {}"); err != nil {
		t.Error(err)
	}
	if err := r.Check(strings.Repeat(" ", MaxSource+1)); err == nil || err.Error() != "script of 262145 bytes is longer than 262144" {
		t.Error(err)
	}
	if err := r.Check("function decodeUplink( {}"); err == nil {
		t.Error("broken syntax was taken")
	}
}

func TestARunnerNeedsACommand(t *testing.T) {
	t.Parallel()
	if _, err := NewRunner(Options{}); err == nil {
		t.Error("no error")
	}
}
