package tickets

import (
	"strings"
	"testing"
	"unicode/utf8"

	"telltale/devices"
)

func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{"", "{{device.id}}", "{{values.x}} {{", "}}{{}}", "{{ severity }}\x00\xff", "{{values.é}}"} {
		f.Add(seed, "label", 1.5)
	}
	f.Fuzz(func(t *testing.T, template, label string, number float64) {
		values := map[string]devices.Value{"x": devices.Number(number), "é": devices.Label(label)}
		got := render(template, map[string]string{"device.id": label}, values)
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\x00\r\n") || utf8.RuneCountInString(got) > subjectRunes {
			t.Errorf("render(%q) = %q", template, got)
		}
		if CheckTemplate(template) == nil && !strings.Contains(template, "{{") && got != oneLine(template) {
			t.Errorf("text %q became %q", template, got)
		}
	})
}
