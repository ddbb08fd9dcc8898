package script

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestScriptsInAllFormsSeeThePayload(t *testing.T) {
	t.Parallel()
	r := newRunner(t, Options{})
	in := Input{
		Bytes: []byte{1, 255}, FPort: 7, RecvTime: at("2026-03-01T12:00:00Z"), Variables: map[string]string{"offset": "3"},
	}
	for _, c := range []struct{ name, source, want string }{
		{"TS013", `function decodeUplink(input) { return {data: {b: input.bytes[1], n: input.bytes.length, p: input.fPort, v: input.variables.offset, at: input.recvTime}}; }`,
			`{"b":255,"n":2,"p":7,"v":"3","at":"2026-03-01T12:00:00.000Z"}`},
		{"TS013 as a constant", `const decodeUplink = (input) => ({data: {b: input.bytes[0]}});`, `{"b":1}`},
		{"TS013 as an assignment", `decodeUplink = function (input) { return {data: {b: input.bytes[0]}}; }`, `{"b":1}`},
		{"ChirpStack 3", `function Decode(fPort, bytes, variables) { return {p: fPort, b: bytes[0], v: variables.offset}; }`, `{"p":7,"b":1,"v":"3"}`},
		{"The Things Stack 2", `function Decoder(bytes, port) { var decoded = {}; decoded.p = port; decoded.b = bytes[0]; return decoded; }`, `{"p":7,"b":1}`},
		{"TS013 before an older form in the same file", `function Decoder(bytes) { return {old: 1}; } function decodeUplink(i) { return {data: {old: 0}}; }`, `{"old":0}`},
		{"bytes are a real array", `function decodeUplink(i) { return {data: {s: i.bytes.slice(1).map(function (b) { return b - 1; }).concat([2])}}; }`, `{"s":[254,2]}`},
		{"not a number and undefined say nothing", `function decodeUplink(i) { return {data: {a: NaN, b: undefined, c: 1/0, d: null}}; }`, `{"a":null,"c":null,"d":null}`},
		{"the clock is the time of receipt, here and in dates", `function decodeUplink(i) { return {data: {now: Date.now() - i.recvTime.getTime(), h: new Date().getHours()}}; }`, `{"now":0,"h":12}`},
		{"traces to a console go nowhere", `console.log("loaded"); function decodeUplink(i) { console.error(i); return {data: {}}; }`, `{}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out, err := r.Decode(c.source, in)
			if err != nil || string(out.Data) != c.want {
				t.Errorf("got  %s, %v\nwant %s", out.Data, err, c.want)
			}
		})
	}
}

func TestWarningsComeWithTheData(t *testing.T) {
	t.Parallel()
	r := newRunner(t, Options{})
	out, err := r.Decode(`function decodeUplink() { return {data: {a: 1}, warnings: ["battery low", 7], errors: []}; }`, Input{})
	if err != nil || len(out.Warnings) != 2 || out.Warnings[0] != "battery low" || out.Warnings[1] != "7" {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestWhatIsWrongIsSaidWithItsPlace(t *testing.T) {
	t.Parallel()
	r := newRunner(t, Options{})
	for _, c := range []struct{ name, source, want string }{
		{"the script's own errors", `function decodeUplink() { return {errors: ["unknown port", "too short"]}; }`, "unknown port; too short"},
		{"one error that is no list", `function decodeUplink() { return {data: {}, errors: "unknown port"}; }`, "unknown port"},
		{"an exception", "function decodeUplink(input) {\n  var x;\n  return x.y;\n}", "TypeError: Cannot read property 'y' of undefined (line 3:12 of the script)"},
		{"an error of the script's own", "function decodeUplink(input) {\n  throw new Error('bad frame');\n}", "Error: bad frame (line 2:9 of the script)"},
		{"a text thrown", "function decodeUplink(input) { throw 'bad frame'; }", "bad frame (line 1:32 of the script)"},
		{"an exception while loading", "var a = nothing;\nfunction decodeUplink() {}", "ReferenceError: nothing is not defined (line 1:9 of the script)"},
		{"broken syntax", "function decodeUplink(input) {\n  return {data: };\n}", "SyntaxError: Unexpected token } (line 2:17 of the script)"},
		{"a redeclared constant", "let a = 1;\nlet a = 2;\nfunction decodeUplink() {}", "SyntaxError: Identifier 'a' has already been declared (line 2:5 of the script)"},
		{"no function", "var x = 1;", "there is no function decodeUplink(input), nor Decode(fPort, bytes, variables) or Decoder(bytes, port)"},
		{"an empty script", "", "there is no function decodeUplink(input), nor Decode(fPort, bytes, variables) or Decoder(bytes, port)"},
		{"a name that is no function", "var decodeUplink = 7;", "decodeUplink is not a function"},
		{"nothing returned", "function decodeUplink() {}", "decodeUplink returned nothing"},
		{"a number returned", "function decodeUplink() { return 7; }", "decodeUplink must return an object, not 7"},
		{"a list returned", "function Decoder() { return [1]; }", "Decoder must return an object, not [1]"},
		{"no data", "function decodeUplink() { return {temperature: 4}; }", "decodeUplink must return {data: {...}} or {errors: [...]}"},
		{"data under another case", "function decodeUplink() { return {Data: {}}; }", "decodeUplink must return {data: {...}} or {errors: [...]}"},
		{"a circle", "function decodeUplink() { var d = {}; d.d = d; return {data: d}; }", "TypeError: Converting circular structure to JSON"},
		{"too long a result", "function decodeUplink() { var s = 'x'; while (s.length < 300000) s += s; return {data: {s: s}}; }", "decodeUplink returned 524305 bytes of JSON, more than 262144"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := r.Decode(c.source, Input{Bytes: []byte{1}})
			var e *Error
			if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestNothingOfTheHostIsInReach(t *testing.T) {
	t.Parallel()
	r := newRunner(t, Options{})
	for _, name := range []string{
		"require", "process", "module", "exports", "global", "window", "fetch", "XMLHttpRequest", "setTimeout",
		"setInterval", "Go", "os", "fs", "Deno", "Buffer", "importScripts",
	} {
		out, err := r.Decode(`function decodeUplink() { return {data: {t: typeof `+name+`}}; }`, Input{})
		if err != nil || string(out.Data) != `{"t":"undefined"}` {
			t.Errorf("%s: %s, %v", name, out.Data, err)
		}
	}
	// A source map would be a file of the host.
	for _, source := range []string{
		"function decodeUplink() { return {data: {}}; }\n//# sourceMappingURL=/etc/passwd",
		"function decodeUplink() { eval('1\\n//# sourceMappingURL=/etc/passwd'); return {data: {}}; }",
	} {
		if out, err := r.Decode(source, Input{}); err != nil || string(out.Data) != "{}" {
			t.Errorf("source map: %s, %v", out.Data, err)
		}
	}
}

func TestNothingIsKeptFromOneMessageToTheNext(t *testing.T) {
	t.Parallel()
	r := newRunner(t, Options{Workers: 1}) // so that it is the same process
	source := `
		var seen = 0;
		function decodeUplink(input) {
			seen++; last = (typeof last === "undefined" ? "" : last) + input.bytes[0];
			var before = [].leak + "," + decodeUplink.leak + "," + JSON.leak;
			Array.prototype.leak = decodeUplink.leak = JSON.leak = input.bytes[0];
			JSON.stringify = function () { return "{}"; };
			return {data: {seen: seen, last: last, before: before, random: Math.random()}};
		}`
	first, err := r.Decode(source, Input{Bytes: []byte{7}})
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.Decode(source, Input{Bytes: []byte{7}})
	if err != nil || string(first.Data) != string(second.Data) {
		t.Errorf("the same payload gave %s, then %s, %v", first.Data, second.Data, err)
	}
	if want := `{"seen":1,"last":"7","before":"undefined,undefined,undefined",`; !strings.HasPrefix(string(second.Data), want) {
		t.Errorf("got %s, want %s...", second.Data, want)
	}
}
