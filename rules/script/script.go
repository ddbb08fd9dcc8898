package script

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"telltale/devices"
	"telltale/rules"
)

// file is a script as it is written.
type file struct {
	Rules []string `yaml:"rules"`
	Tests []test   `yaml:"tests"`
}

// test is one time line and what must come of it.
type test struct {
	line    int
	Name    string         `yaml:"name"`
	Device  *subject       `yaml:"device"`
	Devices []subject      `yaml:"devices"` // instead of device, series and faults
	Start   time.Time      `yaml:"start"`   // default 2026-01-01T00:00:00Z
	Every   span           `yaml:"every"`   // default: the model's report_every
	Series  series         `yaml:"series"`
	Faults  *steps         `yaml:"faults"`
	Expect  []expectation  `yaml:"expect"`
	Raised  map[string]int `yaml:"raised"` // how often each rule is raised in all
}

// subject is a device of a test.
type subject struct {
	ID     string            `yaml:"id"`
	Model  string            `yaml:"model"`
	Site   string            `yaml:"site"`
	Tags   map[string]string `yaml:"tags"`
	Series series            `yaml:"series"`
	Faults *steps            `yaml:"faults"`
}

// expectation is what must be true of an alarm at one moment.
type expectation struct {
	line        int
	At          span      `yaml:"at"`
	Alarm       string    `yaml:"alarm"`
	Device      string    `yaml:"device"` // default: the only one
	State       string    `yaml:"state"`  // normal, pending, active, clearing or cleared
	Severity    *severity `yaml:"severity"`
	Occurrences *int64    `yaml:"occurrences"`
	Explains    string    `yaml:"explains"` // a text that the last explanation holds
}

type series map[string]*steps

// steps is a series with the line it stands on.
type steps struct {
	line int
	all  []*step
}

// span is a duration such as 35m or 2d.
type span time.Duration

type severity rules.Severity

func (s *steps) UnmarshalYAML(n *yaml.Node) error {
	parsed, err := parseSteps(n.Value)
	if err == nil && n.Kind != yaml.ScalarNode {
		err = errors.New(`a series is a text such as "4x5 9x9"`)
	}
	if err != nil {
		return at(n, err)
	}
	s.line, s.all = n.Line, expand(parsed)
	return nil
}

func (s *span) UnmarshalYAML(n *yaml.Node) error {
	d, err := rules.ParseDuration(n.Value)
	if err != nil {
		return at(n, err)
	}
	*s = span(d)
	return nil
}

func (s *severity) UnmarshalYAML(n *yaml.Node) error {
	parsed, err := rules.ParseSeverity(n.Value)
	if err != nil {
		return at(n, err)
	}
	*s = severity(parsed)
	return nil
}

func (f *file) UnmarshalYAML(n *yaml.Node) error {
	type plain file
	return decode(n, (*plain)(f), "rules", "tests")
}

func (t *test) UnmarshalYAML(n *yaml.Node) error {
	type plain test
	t.line = n.Line
	return decode(n, (*plain)(t),
		"name", "device", "devices", "start", "every", "series", "faults", "expect", "raised")
}

func (s *subject) UnmarshalYAML(n *yaml.Node) error {
	type plain subject
	return decode(n, (*plain)(s), "id", "model", "site", "tags", "series", "faults")
}

func (e *expectation) UnmarshalYAML(n *yaml.Node) error {
	type plain expectation
	e.line = n.Line
	return decode(n, (*plain)(e), "at", "alarm", "device", "state", "severity", "occurrences", "explains")
}

// decode fills a structure from a mapping that has no other keys than those.
func decode(n *yaml.Node, into any, keys ...string) error {
	if n.Kind != yaml.MappingNode {
		return at(n, fmt.Errorf("a mapping with %s belongs here", strings.Join(keys, ", ")))
	}
	for i := 0; i < len(n.Content); i += 2 {
		if key := n.Content[i]; !slices.Contains(keys, key.Value) {
			return at(key, fmt.Errorf("unknown key %q (there are %s)", key.Value, strings.Join(keys, ", ")))
		}
	}
	return n.Decode(into)
}

// lineError is an error with its line, until the file's name is known.
type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }
func (e *lineError) Unwrap() error { return e.err }

func at(n *yaml.Node, err error) error { return &lineError{n.Line, err} }

// parse reads a script.
func parse(content []byte) (*file, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var f file
	if err := decoder.Decode(&f); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the script is empty")
		}
		return nil, err
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("a script is one YAML document")
	}
	var faults []error
	if len(f.Rules) == 0 {
		faults = append(faults, errors.New("rules names no file"))
	}
	if len(f.Tests) == 0 {
		faults = append(faults, errors.New("there are no tests"))
	}
	for i := range f.Tests {
		faults = append(faults, f.Tests[i].check())
	}
	return &f, errors.Join(faults...)
}

// check finds what is wrong with a test by itself and fills in defaults.
func (t *test) check() error {
	var faults []error
	fail := func(line int, format string, args ...any) {
		faults = append(faults, &lineError{line, fmt.Errorf(format, args...)})
	}
	if t.Name == "" {
		t.Name = fmt.Sprintf("test in line %d", t.line)
	}
	if t.Start.IsZero() {
		t.Start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	switch {
	case t.Device != nil && len(t.Devices) > 0:
		fail(t.line, "a test has either device or devices")
	case len(t.Devices) > 0 && (t.Series != nil || t.Faults != nil):
		fail(t.line, "with devices, series and faults stand under each of them")
	case t.Device == nil && len(t.Devices) == 0:
		fail(t.line, "a test needs a device")
	case t.Device != nil:
		if t.Series != nil {
			t.Device.Series = t.Series
		}
		if t.Faults != nil {
			t.Device.Faults = t.Faults
		}
		t.Devices = []subject{*t.Device}
	}
	for _, d := range t.Devices {
		if !devices.ValidID(d.ID) || d.Model == "" {
			fail(t.line, "each device needs an id and a model")
		}
	}
	for i := range t.Expect {
		t.checkExpectation(&t.Expect[i], fail)
	}
	if len(t.Expect) == 0 && len(t.Raised) == 0 {
		fail(t.line, "the test expects nothing")
	}
	return errors.Join(faults...)
}

func (t *test) checkExpectation(e *expectation, fail func(line int, format string, args ...any)) {
	if e.Alarm == "" {
		fail(e.line, "alarm names no rule")
	}
	if !slices.Contains(states(), e.State) {
		fail(e.line, "unknown state %q (there are %s)", e.State, strings.Join(states(), ", "))
	}
	if e.Device == "" && len(t.Devices) == 1 {
		e.Device = t.Devices[0].ID
	}
	if !slices.ContainsFunc(t.Devices, func(d subject) bool { return d.ID == e.Device }) {
		fail(e.line, "device must be one of the test's")
	}
}

// states are the words that an expectation may use.
func states() []string { return []string{"normal", "pending", "active", "clearing", "cleared"} }
