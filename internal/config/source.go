package config

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Source says which topics carry which payload format, and where in topic or
// payload the device is named. See docs/sources.md.
type Source struct {
	Name     string `yaml:"name"` // how people call it. Default: the filter
	Filter   string `yaml:"filter"`
	Codec    string `yaml:"codec"`
	Device   string `yaml:"device"`
	Timezone string `yaml:"timezone"` // of devices that tell local times, as in "Europe/Warsaw"

	// Clock says what becomes of the devices' times. Default: as in Config.Clock.
	Clock *Clock `yaml:"clock"`

	// The others are for the codec "fields".

	Records string            `yaml:"records"`     // path of a list of reports. Default: the payload itself
	Time    string            `yaml:"time"`        // path of the time. Default: the time of receipt
	Layout  string            `yaml:"time_layout"` // Go layout, "rfc3339", "unix", "unix_ms"... Default "auto"
	Faults  string            `yaml:"faults"`      // path of the fault codes. Default: none are said
	Metrics map[string]Metric `yaml:"metrics"`
}

// Metric says where the value of a metric is. In YAML it is a path, or a
// mapping with the path and what the value means.
type Metric struct {
	Path     string             `yaml:"path"`
	Unit     string             `yaml:"unit"`      // of the value. Default: that of the model
	UnitPath string             `yaml:"unit_path"` // path of a text that says the unit
	Numeric  bool               `yaml:"numeric"`   // texts are numbers
	Labels   map[string]float64 `yaml:"labels"`    // numbers that texts stand for
}

// UnmarshalYAML reads either form.
func (m *Metric) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		m.Path = node.Value
		return nil
	}
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: a metric is a path, or a mapping with one", node.Line)
	}
	for i := 0; i < len(node.Content); i += 2 {
		switch key := node.Content[i]; key.Value {
		case "path", "unit", "unit_path", "numeric", "labels":
		default: // the reader is strict, but not behind a method like this
			return fmt.Errorf("line %d: unknown key %q", key.Line, key.Value)
		}
	}
	type plain Metric
	return node.Decode((*plain)(m))
}
