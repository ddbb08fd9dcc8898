package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// readFile decodes one YAML document strictly.
func readFile(path string, into *Config) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read config: %w", err)
	}
	return decode(path, data, into)
}

func decode(path string, data []byte, into *Config) error {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return withFile(path, err)
	}
	if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: one document expected, found another", path)
	}
	return nil
}

// yamlLine and yamlUnknown match the reader's own wording.
var (
	yamlLine    = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)$`)
	yamlUnknown = regexp.MustCompile(`^field (\S+) not found in type \S+$`)
)

// withFile turns the YAML reader's errors into file:line: sentence.
func withFile(path string, err error) error {
	texts := []string{err.Error()}
	var typed *yaml.TypeError
	if errors.As(err, &typed) {
		texts = typed.Errors
	}
	faults := make([]error, len(texts))
	for i, text := range texts {
		match := yamlLine.FindStringSubmatch(text)
		if match == nil {
			faults[i] = fmt.Errorf("%s: %s", path, text)
			continue
		}
		sentence := match[2]
		if key := yamlUnknown.FindStringSubmatch(sentence); key != nil {
			sentence = fmt.Sprintf("unknown key %q", key[1])
		}
		faults[i] = fmt.Errorf("%s:%s: %s", path, match[1], sentence)
	}
	return errors.Join(faults...)
}

// Duration is a time.Duration written as 90s, 15m, 36h or 400d.
type Duration time.Duration

// UnmarshalYAML reads what [ParseDuration] accepts.
func (d *Duration) UnmarshalYAML(node *yaml.Node) error {
	parsed, err := ParseDuration(node.Value)
	if err != nil {
		return fmt.Errorf("line %d: %w", node.Line, err)
	}
	*d = Duration(parsed)
	return nil
}

// ParseDuration reads Go's notation and whole days ("7d").
func ParseDuration(s string) (time.Duration, error) {
	if n := len(s); n > 1 && s[n-1] == 'd' {
		days, err := strconv.Atoi(s[:n-1])
		if err == nil && days >= 0 && days < 100_000 {
			return time.Duration(days) * 24 * time.Hour, nil
		}
	}
	parsed, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration such as 90s, 15m, 36h or 7d", s)
	}
	return parsed, nil
}

// Secret is text that is never printed.
type Secret string

// String hides the text.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// GoString hides the text from %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides the text from JSON and YAML writers.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Reveal returns the text itself, for the one call that needs it.
func (s Secret) Reveal() string { return string(s) }
