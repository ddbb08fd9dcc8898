package tickets

import (
	"math"
	"strings"
	"testing"

	"telltale/devices"
)

func TestRender(t *testing.T) {
	t.Parallel()
	texts := map[string]string{"device.id": "fridge-17", "device.site": "Warsaw-2", "severity": "major", "rule.title": "Too\nwarm"}
	values := map[string]devices.Value{
		"temperature": devices.Number(9.399999618530273), "whole": devices.Number(12), "tiny": devices.Number(0.0012345),
		"zero": devices.Number(0), "cold": devices.Number(-18.25), "mode": devices.Label("defrost"),
		"broken": devices.Number(math.NaN()), "huge": devices.Number(6.02e23), "big": devices.Number(1234567.5),
		"evil": devices.Label("a\r\n\x00b\xff"),
	}
	tests := []struct{ name, template, want string }{
		{"text stands for itself", "Check the fan", "Check the fan"},
		{"placeholders are filled", "{{device.id}}: {{severity}}", "fridge-17: major"},
		{"spaces inside are ignored", "{{ device.id }}", "fridge-17"},
		{"numbers are trimmed", "{{values.temperature}} °C", "9.4 °C"},
		{"whole numbers have no point", "{{values.whole}}/{{values.zero}}", "12/0"},
		{"small numbers keep three digits", "{{values.tiny}}", "0.00123"},
		{"negative numbers", "{{values.cold}}", "-18.25"},
		{"large numbers", "{{values.big}} {{values.huge}}", "1234567.5 6.02e+23"},
		{"labels", "{{values.mode}}", "defrost"},
		{"what is missing is unknown", "{{values.humidity}} {{device.serial}}", "unknown unknown"},
		{"what is not a number is unknown", "{{values.broken}}", "unknown"},
		{"a subject is one line", "{{rule.title}}", "Too warm"},
		{"labels cannot break it", "{{values.evil}}", "a �b�"},
		{"closing braces alone are text", "a }} b", "a }} b"},
		{"the value of one is not read as another", "{{device.id}}{{values.mode}}", "fridge-17defrost"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := CheckTemplate(tt.template); err != nil {
				t.Fatal(err)
			}
			if got := render(tt.template, texts, values); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestCheckTemplateNamesTheFault(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, template, want string }{
		{"an unknown placeholder", "{{device.name}} is warm", "unknown placeholder {{device.name}}"},
		{"an empty one", "{{}}", "unknown placeholder {{}}"},
		{"a value without a name", "{{values.}}", "unknown placeholder {{values.}}"},
		{"a value with a space", "{{values.a b}}", "unknown placeholder {{values.a b}}"},
		{"one that is not closed", "warm {{device.id", "placeholder {{device.id is not closed"},
		{"one inside another", "{{device.{{id}}}}", "unknown placeholder {{device.{{id}}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := CheckTemplate(tt.template)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}
