package script

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"
)

const (
	scriptName   = "script"
	maxCallDepth = 512
	maxResult    = 256 << 10 // bytes of JSON that a script may return
	maxMessage   = 500       // bytes of a script's own sentence
)

// Input is one payload.
type Input struct {
	Bytes     []byte            `json:"bytes"`
	FPort     int               `json:"f_port"`
	RecvTime  time.Time         `json:"recv_time"`
	Variables map[string]string `json:"variables,omitempty"`
}

// Output is what a script made of a payload.
type Output struct {
	Data     json.RawMessage `json:"data"` // an object
	Warnings []string        `json:"warnings,omitempty"`
}

// run decodes one payload in a fresh world. watch is told of the runtime while
// the script runs, and its result is called when it has ended. Errors are
// *Error.
func (p *program) run(in Input, watch func(*goja.Runtime) (stop func())) (out Output, err error) {
	vm := newWorld(in)
	stringify, _ := goja.AssertFunction(vm.Get("JSON").ToObject(vm).Get("stringify")) // before a script can replace it
	defer watch(vm)()
	defer func() {
		switch broken := recover().(type) {
		case nil:
		case *goja.InterruptedError: // while telling what was thrown
			err = scriptError(broken)
		default:
			err = &Error{Message: clip(fmt.Sprintf("the interpreter broke: %v", broken))}
		}
	}()

	if _, err := vm.RunProgram(p.script); err != nil {
		return out, scriptError(err)
	}
	found, err := vm.RunProgram(p.lookup)
	if err != nil {
		return out, scriptError(err)
	}
	decode, ok := goja.AssertFunction(found)
	if !ok {
		return out, &Error{Message: p.entry + " is not a function"}
	}
	result, err := decode(goja.Undefined(), p.arguments(vm, in)...)
	if err != nil {
		return out, scriptError(err)
	}
	text, err := stringify(goja.Undefined(), result)
	if err != nil {
		return out, scriptError(err)
	}
	if s, ok := text.Export().(string); ok {
		return p.output(s)
	}
	return out, &Error{Message: p.entry + " returned nothing"}
}

// newWorld returns a runtime in which the same payload always gives the same.
func newWorld(in Input) *goja.Runtime {
	vm := goja.New()
	vm.SetMaxCallStackSize(maxCallDepth)
	vm.SetParserOptions(parser.WithDisableSourceMaps)
	vm.SetTimeSource(func() time.Time { return in.RecvTime })
	vm.SetRandSource(rand.New(rand.NewPCG(1, 2)).Float64)

	// Decoders that were tried in a browser leave traces to a console.
	console := vm.NewObject()
	silent := vm.ToValue(func(goja.FunctionCall) goja.Value { return goja.Undefined() })
	for _, name := range []string{"log", "info", "debug", "warn", "error"} {
		_ = console.Set(name, silent)
	}
	_ = vm.Set("console", console)
	return vm
}

// arguments are what the entry is called with.
func (p *program) arguments(vm *goja.Runtime, in Input) []goja.Value {
	items := make([]any, len(in.Bytes))
	for i, b := range in.Bytes {
		items[i] = int64(b)
	}
	payload, port := vm.NewArray(items...), vm.ToValue(in.FPort)
	variables := vm.NewObject()
	for name, value := range in.Variables {
		_ = variables.Set(name, value)
	}
	switch p.entry {
	case "Decode":
		return []goja.Value{port, payload, variables}
	case "Decoder":
		return []goja.Value{payload, port}
	}
	input := vm.NewObject()
	_ = input.Set("bytes", payload)
	_ = input.Set("fPort", port)
	_ = input.Set("variables", variables)
	if at, err := vm.New(vm.Get("Date"), vm.ToValue(in.RecvTime.UnixMilli())); err == nil {
		_ = input.Set("recvTime", at)
	}
	return []goja.Value{input}
}

// output reads what the entry returned, as JSON.
func (p *program) output(text string) (Output, error) {
	if len(text) > maxResult {
		return Output{}, &Error{Message: fmt.Sprintf("%s returned %d bytes of JSON, more than %d", p.entry, len(text), maxResult)}
	}
	if !strings.HasPrefix(text, "{") {
		return Output{}, &Error{Message: p.entry + " must return an object, not " + clip(text)}
	}
	if p.entry != "decodeUplink" {
		return Output{Data: json.RawMessage(text)}, nil
	}
	var result map[string]json.RawMessage // a struct would not tell Data from data
	if err := json.Unmarshal([]byte(text), &result); err != nil {
		return Output{}, &Error{Message: "decodeUplink returned what is no JSON: " + err.Error()}
	}
	if said := sentences(result["errors"]); len(said) > 0 {
		return Output{}, &Error{Message: cmp.Or(clip(strings.Join(said, "; ")), p.entry+" reported an error without words")}
	}
	data := result["data"]
	if len(data) == 0 || data[0] != '{' {
		return Output{}, &Error{Message: "decodeUplink must return {data: {...}} or {errors: [...]}"}
	}
	return Output{Data: data, Warnings: sentences(result["warnings"])}, nil
}

// sentences reads a list of texts, or one; other values stand as JSON.
func sentences(raw json.RawMessage) []string {
	var values []any
	if json.Unmarshal(raw, &values) != nil {
		var one any
		if json.Unmarshal(raw, &one) != nil || one == nil {
			return nil
		}
		values = []any{one}
	}
	var said []string
	for _, v := range values {
		text, ok := v.(string)
		if !ok {
			encoded, _ := json.Marshal(v) // it has just been decoded
			text = string(encoded)
		}
		said = append(said, clip(text))
	}
	return said
}

// scriptError says what a script threw, or why it was stopped, and where.
func scriptError(err error) *Error {
	var thrown *goja.Exception
	var interrupted *goja.InterruptedError
	var tooDeep *goja.StackOverflowError
	e := &Error{}
	var stack []goja.StackFrame
	switch {
	case errors.As(err, &interrupted):
		e.Message, stack = fmt.Sprint(interrupted.Value()), interrupted.Stack()
	case errors.As(err, &tooDeep):
		e.Message, stack = fmt.Sprintf("calls go deeper than %d", maxCallDepth), tooDeep.Stack()
	case errors.As(err, &thrown):
		e.Message, stack = clip(thrown.Value().String()), thrown.Stack()
	default:
		e.Message = clip(err.Error())
	}
	e.Message = cmp.Or(e.Message, "threw a value without words")
	for _, frame := range stack {
		if at := frame.Position(); at.Line > 0 && frame.SrcName() == scriptName {
			e.Line, e.Column = at.Line, at.Column
			break
		}
	}
	return e
}

// clip bounds a text that a script made.
func clip(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	return strings.ToValidUTF8(s[:maxMessage], "") + "..."
}
