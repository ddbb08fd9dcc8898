package declare_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"telltale/ingest/codec/script"
	"telltale/internal/declare"
)

// checkerFunc checks payload scripts in Go.
type checkerFunc func(source string) error

func (f checkerFunc) Check(source string) error { return f(source) }

// findFault refuses a script that holds "FAULT", where it stands.
func findFault(source string) error {
	before, _, found := strings.Cut(source, "FAULT")
	if !found {
		return nil
	}
	lines := strings.Split(before, "\n")
	return &script.Error{Message: "SyntaxError: no", Line: len(lines), Column: len(lines[len(lines)-1]) + 1}
}

func TestFaultsOfScriptsAreSaidAtTheirPlaceInTheFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"a block", "kind: Model\nid: m\ndecoder: |\n  function decodeUplink(input) {\n    FAULT\n  }\n",
			"f.yaml:5:5: Model m: decoder: SyntaxError: no"},
		{"a block behind other documents and empty lines", "kind: Model\nid: a\n---\n\nkind: Model\nid: m\ndecoder: |-\n\n\n      var x = FAULT;\n",
			"f.yaml:10:15: Model m: decoder: SyntaxError: no"},
		{"a quoted text", "kind: Model\nid: m\ndecoder: \"a;\\nFAULT\"\n", "f.yaml:3:15: Model m: decoder: SyntaxError: no"},
		{"a folded text", "kind: Model\nid: m\ndecoder: >\n  a;\n\n  FAULT\n", "f.yaml:6:3: Model m: decoder: SyntaxError: no"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			set, err := declare.ParseSources(declare.Source{Name: "f.yaml", Text: []byte(c.text)})
			if err != nil {
				t.Fatal(err)
			}
			if err := set.Check(declare.Known{Scripts: checkerFunc(findFault)}); err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestAScriptThatCannotBeCheckedIsNotDeclared(t *testing.T) {
	t.Parallel()
	set, err := declare.ParseSources(declare.Source{Name: "f.yaml", Text: []byte("kind: Model\nid: m\ndecoder: x\n")})
	if err != nil {
		t.Fatal(err)
	}
	broken := checkerFunc(func(string) error { return errors.New("start worker for scripts: no such file") })
	if err := set.Check(declare.Known{Scripts: broken}); err == nil || err.Error() != "f.yaml:3:10: Model m: decoder: start worker for scripts: no such file" {
		t.Errorf("got %v", err)
	}
}

func writeFiles(t *testing.T, files map[string]string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for name, text := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestAScriptMayStandInAFileOfItsOwn(t *testing.T) {
	t.Parallel()
	folder := writeFiles(t, map[string]string{
		"models/m.yaml":       "kind: Model\nid: m\ndecoder_file: js/x.js\n",
		"models/js/x.js":      "function decodeUplink() {}\n  FAULT",
		"models/other/n.yaml": "kind: Model\nid: n\n",
	})
	set, err := declare.Parse(folder)
	if err != nil {
		t.Fatal(err)
	}
	if got := set.Models[0].Decoder; !strings.HasPrefix(got, "function decodeUplink") {
		t.Errorf("decoder is %q", got)
	}
	err = set.Check(declare.Known{Scripts: checkerFunc(findFault)})
	want := filepath.Join(folder, "models/js/x.js") + ":2:3: Model m: decoder: SyntaxError: no"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	plan, err := declare.Diff(nil, set)
	if err != nil {
		t.Fatal(err)
	}
	if spec := string(plan.Changes[0].Spec); !strings.Contains(spec, `"decoder":"function decodeUplink`) || strings.Contains(spec, "decoder_file") {
		t.Errorf("spec is %s", spec)
	}
}

func TestScriptFilesThatCannotBeReadAreNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, path, want string }{
		{"one that is not there", "x.js", "m.yaml:3: decoder_file: statat x.js: no such file or directory"},
		{"one outside the folder", "../secret", "m.yaml:3: decoder_file: statat ../secret: path escapes from parent"},
		{"one at an absolute path", "/etc/passwd", "m.yaml:3: decoder_file: statat /etc/passwd: path escapes from parent"},
		{"a large one", "large.js", "m.yaml:3: decoder_file: large.js: script of 262145 bytes is longer than 262144"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			folder := writeFiles(t, map[string]string{
				"in/m.yaml":   "kind: Model\nid: m\ndecoder_file: " + c.path + "\n",
				"in/large.js": strings.Repeat(" ", script.MaxSource+1),
				"secret":      "x",
			})
			_, err := declare.ReadSources(filepath.Join(folder, "in"))
			if err == nil || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestAChangedScriptIsShownInThePlan(t *testing.T) {
	t.Parallel()
	read := func(script string) *declare.Set {
		set, err := declare.ParseSources(declare.Source{Name: "f", Text: []byte("kind: Model\nid: m\ndecoder: |\n  a;\n  " + script + "\n")})
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	first, err := declare.Diff(nil, read("b;"))
	if err != nil {
		t.Fatal(err)
	}
	stored := map[declare.Ref]json.RawMessage{first.Changes[0].Ref: first.Changes[0].Spec}
	second, err := declare.Diff(stored, read("c;"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "~ Model m: decoder rewritten\n0 created, 1 changed, 0 unchanged\n"; second.String() != want {
		t.Errorf("got %q, want %q", second, want)
	}
}

func TestWrongDecodersAreNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"an empty one", `decoder: " "`, "f.yaml:3:10: Model m: decoder: is empty"},
		{"one that is null", "decoder:", "f.yaml:3:9: Model m: decoder: is empty"},
		{"a mapping", "decoder: {a: b}", "f.yaml:3:10: Model m: decoder: must be a text, not a mapping"},
		{"two", "decoder: x\ndecoder_file: y", "f.yaml:4:15: Model m: decoder_file: stands beside decoder: a model has one payload script"},
		{"a file through the API", "decoder_file: x.js", "f.yaml:3:15: Model m: decoder_file: x.js was not read: apply from the command line, " +
			"which reads files below the folder of the one that names them, or write the script under decoder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := declare.ParseSources(declare.Source{Name: "f.yaml", Text: []byte("kind: Model\nid: m\n" + c.text + "\n")})
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}
