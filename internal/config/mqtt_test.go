package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWrongMQTTGetsASentencePerFault(t *testing.T) {
	t.Parallel()
	const external = "data: /d\nmqtt: {broker: \"mqtts://h\", "
	tests := []struct {
		name, yaml string
		want       []string
	}{
		{"a node of a group needs a name of its own", external + "group: g}\n",
			[]string{"mqtt.client_id: is required with mqtt.group: stable, and another one on each node"}},
		{"the default name is not its own", external + "group: g, client_id: telltale}\n",
			[]string{"mqtt.client_id: is required with mqtt.group: stable, and another one on each node"}},
		{"a group is one level of a topic", external + "group: a/b, client_id: n1}\n",
			[]string{`mqtt.group: "a/b" must be without /, + and #`}},
		{"sparkplug cannot be dealt out to a group", external + "group: g, client_id: n1}\nsources: [{filter: \"spBv1.0/#\", codec: sparkplug}]\n",
			[]string{"sources[0].codec: sparkplug needs every message of an edge node in one place and in order, which mqtt.group does not give; use mqtt.filters"}},
		{"certificates need an encrypted URL", "data: /d\nmqtt: {broker: \"mqtt://h\", tls: {ca: /ca.pem}}\n",
			[]string{"mqtt.tls: mqtt.broker must begin with mqtts:// or wss:// then"}},
		{"a certificate needs its key", external + "tls: {cert: /c.pem}}\n", []string{"mqtt.tls: cert and key need each other"}},
		{"authorities of devices are not a broker's", external + "tls: {client_ca: /c.pem}}\n",
			[]string{"mqtt.tls.client_ca: is for the embedded broker, and mqtt.broker is set; its authority is mqtt.tls.ca"}},
		{"a password without a user name is never sent", external + "password: x}\n",
			[]string{"mqtt.username: is required with a password; MQTT 3.1.1 sends none without"}},
		{"what is for an external broker needs one", "data: /d\nmqtt: {group: g, filters: [a], tls: {ca: /x}}\n", []string{
			"mqtt.group: is for an external broker, and mqtt.broker is not set",
			"mqtt.filters: is for an external broker, and mqtt.broker is not set",
			"mqtt.tls.ca: is for an external broker, and mqtt.broker is not set",
		}},
		{"no plain address needs another one", "data: /d\nmqtt: {listen: off}\n",
			[]string{"mqtt.tls.cert: is required for TLS at the embedded broker"}},
		{"an address for TLS needs a certificate", "data: /d\nmqtt: {tls: {listen: \":8883\"}}\n",
			[]string{"mqtt.tls.cert: is required for TLS at the embedded broker"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Load(write(t, tt.yaml), noEnv)
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(tt.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestTLSAtTheEmbeddedBroker(t *testing.T) {
	t.Parallel()
	c, err := Load(write(t, "data: /d\nmqtt: {listen: off, tls: {cert: /c.pem, key: /k.pem, client_ca: /ca.pem}}\n"), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if c.MQTT.PlainListen() != "" || c.MQTT.TLS.Listen != "127.0.0.1:8883" || c.MQTT.AllowsAnonymous() {
		t.Errorf("mqtt = %+v", c.MQTT)
	}
}

func TestEveryMQTTKeyHasAnEnvironmentTwin(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"TELLTALE_DATA": "/d", "TELLTALE_MQTT_BROKER": "wss://h/mqtt", "TELLTALE_MQTT_CLIENT_ID": "node-1",
		"TELLTALE_MQTT_USERNAME": "u", "TELLTALE_MQTT_PASSWORD": "p", "TELLTALE_MQTT_GROUP": "g",
		"TELLTALE_MQTT_FILTERS": "a/# b/+", "TELLTALE_MQTT_TLS_CERT": "/c", "TELLTALE_MQTT_TLS_KEY": "/k",
		"TELLTALE_MQTT_TLS_CA": "/ca", "TELLTALE_MQTT_TLS_SERVER_NAME": "n", "TELLTALE_MQTT_TLS_INSECURE_SKIP_VERIFY": "true",
	}
	c, err := Load("", func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	want := MQTT{
		Listen: "127.0.0.1:1883", Broker: "wss://h/mqtt", ClientID: "node-1", Username: "u", Password: "p", Group: "g",
		Filters: []string{"a/#", "b/+"},
		TLS:     MQTTTLS{Cert: "/c", Key: "/k", CA: "/ca", ServerName: "n", InsecureSkipVerify: true},
	}
	if diff := cmp.Diff(want, c.MQTT); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
