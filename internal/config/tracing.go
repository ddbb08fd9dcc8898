package config

import (
	"fmt"
	"net/url"
	"strconv"
)

// Tracing says where spans go. See docs/tracing.md.
type Tracing struct {
	// Endpoint is the URL of an OTLP/HTTP receiver, as http://collector:4318;
	// without a path, the standard one is meant, /v1/traces. "": no spans are
	// made. Also set by the variables that OpenTelemetry has for it.
	Endpoint string `yaml:"endpoint"`
}

const tracesPath = "v1/traces"

// tracingTwins list the variables for tracing: OpenTelemetry's own, the more
// general first, then ours, then those that switch it off whatever was said
// before.
func tracingTwins() []twin {
	return []twin{
		{"OTEL_EXPORTER_OTLP_ENDPOINT", setTracingBase},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", setTracingEndpoint},
		{"TELLTALE_TRACING_ENDPOINT", setTracingEndpoint},
		{"OTEL_TRACES_EXPORTER", setTracingExporter},
		{"OTEL_SDK_DISABLED", setTracingDisabled},
	}
}

func setTracingEndpoint(c *Config, value string) error {
	c.Tracing.Endpoint = value
	return nil
}

// setTracingBase takes a URL that the standard path is always added to.
func setTracingBase(c *Config, value string) error {
	u, err := url.Parse(value)
	if err != nil {
		return fmt.Errorf("is not a URL") // it may hold a password, so it is not repeated
	}
	c.Tracing.Endpoint = u.JoinPath(tracesPath).String()
	return nil
}

// setTracingExporter takes "otlp" and "none". Others name exporters that the
// gateway does not have, and mean no spans rather than no gateway.
func setTracingExporter(c *Config, value string) error {
	if value != "otlp" {
		c.Tracing.Endpoint = ""
	}
	return nil
}

func setTracingDisabled(c *Config, value string) error {
	disabled, err := strconv.ParseBool(value)
	if err != nil {
		return fmt.Errorf("%q is neither true nor false", value)
	}
	if disabled {
		c.Tracing.Endpoint = ""
	}
	return nil
}

func (t *Tracing) setDefaults() {
	if u, err := url.Parse(t.Endpoint); err == nil && u.Host != "" && (u.Path == "" || u.Path == "/") {
		t.Endpoint = u.JoinPath(tracesPath).String()
	}
}
