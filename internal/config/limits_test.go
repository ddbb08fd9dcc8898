package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLimitsOfADevice(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"":                                          "",
		"limits: {device_rate: 0.5}":                "",
		"limits: {device_rate: -1}":                 "limits.device_rate: must be positive, is -1",
		"limits: {device_rate: .nan}":               "limits.device_rate: must be positive, is NaN",
		"limits: {device_burst: 0.5}":               "limits.device_burst: must be at least 1, is 0.5",
		"limits: {device_speed: 1}":                 "device_speed",
		"limits: {device_rate: a lot}":              "a lot",
		"limits: {device_rate: 5, device_burst: 7}": "",
	} {
		path := filepath.Join(t.TempDir(), "telltale.yaml")
		if err := os.WriteFile(path, []byte("data: here\n"+body+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(path, func(string) (string, bool) { return "", false })
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", body, err)
		case want == "" && body == "" && (c.Limits.DeviceRate != 200 || c.Limits.DeviceBurst != 100_000):
			t.Errorf("defaults are %+v", c.Limits)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: got %v, want %q", body, err, want)
		}
	}
}
