package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func noEnv(string) (string, bool) { return "", false }

func TestDefaultsRunEverythingEmbeddedOnLoopback(t *testing.T) {
	t.Parallel()
	c, err := Load("", func(name string) (string, bool) { return "/data", name == "TELLTALE_DATA" })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default("/data"), c); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if !c.MQTT.AllowsAnonymous() {
		t.Error("a loopback broker should take clients without a credential")
	}
}

func TestEnvironmentWinsOverTheFile(t *testing.T) {
	t.Parallel()
	path := write(t, "data: /data\nhttp: {listen: \"127.0.0.1:1\"}\nhistory: {retain: 30d}\n")
	c, err := Load(path, func(name string) (string, bool) {
		return "127.0.0.1:2", name == "TELLTALE_HTTP_LISTEN"
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTP.Listen != "127.0.0.1:2" || c.HTTP.PublicURL != "http://127.0.0.1:2" {
		t.Errorf("http = %+v", c.HTTP)
	}
	if got := time.Duration(c.History.Retain); got != 30*24*time.Hour {
		t.Errorf("retain = %v", got)
	}
}

func TestTheEnvironmentAloneChoosesInfluxDB(t *testing.T) {
	t.Parallel()
	variables := map[string]string{
		"TELLTALE_DATA": "/data", "TELLTALE_HISTORY": "influx", "TELLTALE_INFLUX_URL": "http://influx:8086",
		"TELLTALE_INFLUX_TOKEN": "t", "TELLTALE_INFLUX_ORG": "o", "TELLTALE_INFLUX_BUCKET": "b",
	}
	c, err := Load("", func(name string) (string, bool) { v, ok := variables[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	want := Default("/data").History
	want.Store, want.Influx = "influx", Influx{URL: "http://influx:8086", Token: "t", Org: "o", Bucket: "b"}
	if diff := cmp.Diff(want, c.History); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWrongConfigGetsASentencePerFault(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, yaml string
		want       []string
	}{
		{"an unknown key is named with its line", "data: /d\nmqtt:\n  lisen: x\n", []string{`FILE:3: unknown key "lisen"`}},
		{"a wrong type is named with its line", "data: /d\nstream: {partitions: many}\n", []string{"FILE:2: cannot unmarshal !!str `many` into int"}},
		{"broken YAML is named with its line", "data: [\n", []string{"FILE:1: did not find expected node content"}},
		{"a second document is refused", "data: /d\n---\ndata: /e\n", []string{"FILE: one document expected, found another"}},
		{"all faults come at once", "stream: {partitions: 999}\nlog: {level: loud}\n", []string{
			"data: a folder is needed for what runs embedded; give --data, or database.url and stream.url",
			"stream.partitions: 999 is not between 1 and 256",
			`log.level: "loud" is none of debug, info, warn, error`,
		}},
		{"a webhook needs a secret of the standard form", "data: /d\nwebhooks: [{name: a, url: \"http://h\", secret: x}]\n",
			[]string{"webhooks[0].secret: must begin with whsec_ (Standard Webhooks)"}},
		{"a source needs a codec", "data: /d\nsources: [{filter: \"a/#\"}]\n", []string{"sources[0].codec: is required"}},
		{"a broker is a URL, and its password is not repeated", "data: /d\nmqtt: {broker: \"user:pw@host\"}\n",
			[]string{"mqtt.broker: is not a URL of the form mqtt://host:port"}},
		{"InfluxDB needs a place", "data: /d\nhistory: {store: influx, influx: {url: \"localhost:8086\"}}\n", []string{
			"history.influx.url: is not a URL of the form http://host:port",
			"history.influx.bucket: is required by the store influx",
		}},
		{"a history has one of two stores", "data: /d\nhistory: {store: tape}\n",
			[]string{`history.store: "tape" is not a known store (postgres, influx)`}},
		{"a duration has a unit", "data: /d\nhistory: {retain: 30}\n", []string{`FILE:2: "30" is not a duration such as 90s, 15m, 36h or 7d`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := write(t, tt.yaml)
			_, err := Load(path, noEnv)
			if err == nil {
				t.Fatal("no error")
			}
			got := strings.Split(strings.ReplaceAll(err.Error(), path, "FILE"), "\n")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	t.Parallel()
	c := Config{Database: Database{URL: "postgres://u:hush@h/db"}}
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(asJSON), fmt.Sprint(c), fmt.Sprintf("%+v %#v", c, c)} {
		if strings.Contains(text, "hush") {
			t.Errorf("the secret shows in %s", text)
		}
	}
}

func TestAnonymousIsForLoopbackUnlessSaid(t *testing.T) {
	t.Parallel()
	yes := true
	tests := []struct {
		mqtt MQTT
		want bool
	}{
		{MQTT{Listen: "127.0.0.1:1883"}, true},
		{MQTT{Listen: "[::1]:1883"}, true},
		{MQTT{Listen: "localhost:1883"}, true},
		{MQTT{Listen: "0.0.0.0:1883"}, false},
		{MQTT{Listen: ":1883"}, false},
		{MQTT{Listen: ":1883", Anonymous: &yes}, true},
	}
	for _, tt := range tests {
		if got := tt.mqtt.AllowsAnonymous(); got != tt.want {
			t.Errorf("AllowsAnonymous(%q) = %v, want %v", tt.mqtt.Listen, got, tt.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("data: /d\nmqtt: {listen: \":1\"}\n"))
	f.Add([]byte("webhooks: [{name: x}]\n"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		var c Config
		if decode("f.yaml", data, &c) == nil {
			c.setDefaults()
			_ = c.validate()
		}
	})
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "telltale.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
