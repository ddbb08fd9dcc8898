package config

import (
	"strings"
	"testing"
)

func TestWhereSpansGo(t *testing.T) {
	t.Parallel()
	const inFile = "tracing: {endpoint: \"http://file:4318\"}\n"
	for _, c := range []struct {
		name, yaml string
		env        map[string]string
		want       string
	}{
		{"nowhere when nobody says so", "", nil, ""},
		{"to the standard path of an address", inFile, nil, "http://file:4318/v1/traces"},
		{"to an address with a slash", "tracing: {endpoint: \"http://file:4318/\"}\n", nil, "http://file:4318/v1/traces"},
		{"to the very path that is named", "tracing: {endpoint: \"https://file/tenant/traces\"}\n", nil, "https://file/tenant/traces"},
		{"to where OpenTelemetry's variable says", inFile, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel:4318"}, "http://otel:4318/v1/traces"},
		{"below the path of the general variable", "", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel/base"}, "http://otel/base/v1/traces"},
		{"to the more special variable of two", "", map[string]string{
			"OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel:4318", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://traces/in"}, "http://traces/in"},
		{"to our own variable before all", inFile, map[string]string{
			"OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel:4318", "TELLTALE_TRACING_ENDPOINT": "http://ours:4318"}, "http://ours:4318/v1/traces"},
		{"nowhere when OpenTelemetry is disabled", inFile, map[string]string{"OTEL_SDK_DISABLED": "true"}, ""},
		{"somewhere when it is not", inFile, map[string]string{"OTEL_SDK_DISABLED": "false", "OTEL_TRACES_EXPORTER": "otlp"}, "http://file:4318/v1/traces"},
		{"nowhere when no exporter is wanted", inFile, map[string]string{"OTEL_TRACES_EXPORTER": "none"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := Load(write(t, "data: /d\n"+c.yaml), func(name string) (string, bool) { v, ok := c.env[name]; return v, ok })
			if err != nil {
				t.Fatal(err)
			}
			if got.Tracing.Endpoint != c.want {
				t.Errorf("endpoint %q, want %q", got.Tracing.Endpoint, c.want)
			}
		})
	}
}

func TestAWrongPlaceForSpansIsRefused(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"TELLTALE_TRACING_ENDPOINT=collector:4318":      "tracing.endpoint: is not a URL of the form http://host:port",
		"OTEL_EXPORTER_OTLP_ENDPOINT=ftp://host":        "tracing.endpoint: is not a URL of the form http://host:port",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://u:p@[::1/":  "OTEL_EXPORTER_OTLP_ENDPOINT: is not a URL",
		"OTEL_SDK_DISABLED=maybe":                       `OTEL_SDK_DISABLED: "maybe" is neither true nor false`,
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=/v1/traces": "tracing.endpoint: is not a URL of the form http://host:port",
	} {
		variable, value, _ := strings.Cut(name, "=")
		_, err := Load(write(t, "data: /d\n"), func(n string) (string, bool) { return value, n == variable })
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}
