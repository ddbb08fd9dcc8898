package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"telltale/internal/app"
)

// TestMain lets the test binary be the worker for payload scripts that the
// commands start.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == app.ScriptWorker {
		os.Exit(run(context.Background(), os.Args[1:], &console{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.LookupEnv}))
	}
	os.Exit(m.Run())
}

// try runs telltale codec with a payload on standard input.
func try(t *testing.T, payload string, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), append([]string{"codec"}, args...), &console{
		in: strings.NewReader(payload), out: &stdout, err: &stderr, env: func(string) (string, bool) { return "", false },
	})
	return code, stdout.String(), stderr.String()
}

const lorawan = `sources:
  - {name: lora, filter: "application/+/device/+/event/+", codec: chirpstack}
`

func TestAPayloadIsTriedWithoutAGateway(t *testing.T) {
	t.Parallel()
	cfg := writeFile(t, "telltale.yaml", lorawan)
	code, out, errs := try(t, `{"time":"2026-03-01T12:00:00Z","deviceInfo":{"devEui":"A1"},"object":{"temperature":4.25,"energy":1568087,"door":true,"mode":"defrost"}}`+"\n",
		"try", "--config", cfg, "--source", "lora")
	want := `source application/+/device/+/event/+, codec chirpstack, topic application/try/device/try/event/up
DEVICE  OBSERVED              METRIC       VALUE    UNIT
a1      2026-03-01T12:00:00Z  temperature  4.25     
a1      2026-03-01T12:00:00Z  energy       1568087  
a1      2026-03-01T12:00:00Z  door         1        
a1      2026-03-01T12:00:00Z  mode         defrost  
`
	if code != exitDone || out != want || errs != "" {
		t.Errorf("exit %d, %s, got\n%swant\n%s", code, errs, out, want)
	}
}

func TestAComplaintPointsAtItsByte(t *testing.T) {
	t.Parallel()
	cfg := writeFile(t, "telltale.yaml", lorawan)
	code, out, errs := try(t, `{"fPort":300}`, "try", "--config", cfg, "--topic", "application/1/device/2/event/up")
	want := `source application/+/device/+/event/+, codec chirpstack, topic application/1/device/2/event/up
refused as malformed: fPort: must be a port from 0 to 255 (byte 9)
  {"fPort":300}
           ^
`
	if code != exitFailed || out != want || errs != "the payload would be refused\n" {
		t.Errorf("exit %d, %q, got\n%swant\n%s", code, errs, out, want)
	}
}

func TestTheCaretStandsUnderTheByte(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, payload string
		offset        int
		want          string
	}{
		{"in a long line", strings.Repeat("a", 100) + "X" + strings.Repeat("b", 100), 100,
			"  " + strings.Repeat("a", 60) + "X" + strings.Repeat("b", 59) + "\n  " + strings.Repeat(" ", 60) + "^\n"},
		{"in the second line", "one\ntwo X\nthree", 8, "  two X\n      ^\n"},
		{"behind letters of two bytes", "żółw X", 8, "  żółw X\n       ^\n"},
		{"at the end", "abc", 3, "  abc\n     ^\n"},
		{"beyond the end", "abc", 9, "  abc\n     ^\n"},
		{"in bytes that are no text", "\xff\x00\x01\x02", 2, "  ff 00 01 02\n        ^\n"},
		{"nothing moves the cursor", "a\x1b[2Jb", 5, "  a.[2Jb\n       ^\n"},
	} {
		if got := pointAt([]byte(c.payload), c.offset); got != c.want {
			t.Errorf("%s: got\n%swant\n%s", c.name, got, c.want)
		}
	}
}

const elsys = `function decodeUplink(input) {
  if (input.bytes[0] !== 1) return {errors: ["unknown type " + input.bytes[0]]};
  return {data: {temperature: (input.bytes[1] << 8 | input.bytes[2]) / 10, port: input.fPort}};
}`

func TestAScriptIsTriedOnABareFrameAndInAMessage(t *testing.T) {
	t.Parallel()
	cfg, script := writeFile(t, "telltale.yaml", lorawan), writeFile(t, "elsys.js", elsys)
	code, out, errs := try(t, "01 00 ea\n", "try", "--script", script, "--fport", "5", "--hex")
	if code != exitDone || !strings.Contains(out, "temperature  23.4") || !strings.Contains(out, "port         5") {
		t.Errorf("exit %d, %q, got\n%s", code, errs, out)
	}
	code, out, errs = try(t, "AgDq", "try", "--script", script, "--fport", "5", "--base64")
	if code != exitFailed || !strings.Contains(out, "refused as script_failed: payload script: unknown type 2\n") {
		t.Errorf("exit %d, %q, got\n%s", code, errs, out)
	}
	message := `{"deviceInfo":{"devEui":"a1"},"time":"2026-03-01T12:00:00Z","fPort":7,"data":"AQDq"}`
	code, out, errs = try(t, message, "try", "--config", cfg, "--source", "lora", "--script", script, "--json")
	if code != exitDone || !strings.Contains(out, `"value": 23.4`) || !strings.Contains(out, `"observed_at": "2026-03-01T12:00:00Z"`) {
		t.Errorf("exit %d, %q, got\n%s", code, errs, out)
	}
	code, out, _ = try(t, message, "try", "--config", cfg, "--source", "lora")
	if code != exitFailed || !strings.Contains(out, "frame of 3 bytes on port 7 is not decoded") {
		t.Errorf("without a script: exit %d, got\n%s", code, out)
	}
}

func TestWrongUseOfTryIsNamed(t *testing.T) {
	t.Parallel()
	cfg, script := writeFile(t, "telltale.yaml", lorawan), writeFile(t, "elsys.js", elsys)
	for _, c := range []struct {
		name, payload string
		args          []string
		want          string
	}{
		{"nothing to decode it by", "{}", []string{"try", "--config", cfg}, "name a --source or a --topic"},
		{"a port without a script", "01", []string{"try", "--fport", "1"}, "needs a --script"},
		{"a port beyond a byte", "01", []string{"try", "--fport", "256", "--script", script}, "port 256 is not from 0 to 255"},
		{"an unknown source", "{}", []string{"try", "--config", cfg, "--source", "sora"}, `no such source: "sora"; there are telltale/+/telemetry, telltale/+/status, lora`},
		{"a topic that no source claims", "{}", []string{"try", "--config", cfg, "--topic", "x"}, `none claims topic "x"`},
		{"half a byte", "010", []string{"try", "--config", cfg, "--source", "lora", "--hex"}, "payload is not hexadecimal"},
		{"no base64", "?", []string{"try", "--config", cfg, "--source", "lora", "--base64"}, "payload is not base64"},
		{"two forms", "01", []string{"try", "--config", cfg, "--source", "lora", "--hex", "--base64"}, "can't be used together"},
		{"a configuration that is not there", "{}", []string{"try", "--config", "/nowhere.yaml", "--source", "x"}, "/nowhere.yaml"},
		{"a script that is not there", "{}", []string{"try", "--source", "x", "--script", "/nowhere.js"}, "/nowhere.js"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			code, _, errs := try(t, c.payload, c.args...)
			if code != exitInvalid || !strings.Contains(errs, c.want) {
				t.Errorf("exit %d, said %q, want exit 2 and %q", code, errs, c.want)
			}
		})
	}
}

func TestCodecsAndSourcesAreListed(t *testing.T) {
	t.Parallel()
	code, out, errs := try(t, "", "list", "--config", writeFile(t, "telltale.yaml", lorawan))
	if code != exitDone || !strings.Contains(out, "chirpstack") || !strings.Contains(out, "lora                  application/+/device/+/event/+  chirpstack  (the codec's own)") {
		t.Errorf("exit %d, %q, got\n%s", code, errs, out)
	}
}
