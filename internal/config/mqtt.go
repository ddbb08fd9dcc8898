package config

import (
	"net"
	"net/netip"
	"slices"
	"strings"
)

// MQTT says where devices publish: at the embedded broker, or at an external
// one when Broker is set. See docs/brokers.md.
type MQTT struct {
	// Listen is the embedded broker's plain address. Default 127.0.0.1:1883;
	// "off": TLS only.
	Listen string `yaml:"listen"`

	// Anonymous lets clients of the plain address publish for any device
	// without a credential. Default: only when it is a loopback address.
	Anonymous *bool `yaml:"anonymous"`

	// Broker is the URL of an external broker (mqtt://, mqtts://, ws://,
	// wss://). When set, no embedded broker runs.
	Broker   string `yaml:"broker"`
	ClientID string `yaml:"client_id"` // default "telltale"; stable, one per node
	Username string `yaml:"username"`
	Password Secret `yaml:"password"`

	// Group shares the external broker's messages with the other nodes of the
	// same group. Each needs a ClientID of its own.
	Group string `yaml:"group"`

	// Filters, when not empty, are what this node subscribes to at the external
	// broker, instead of the native topics and those of all sources.
	Filters []string `yaml:"filters"`

	TLS MQTTTLS `yaml:"tls"`
}

// MQTTTLS names PEM files. They are read again when they have changed.
type MQTTTLS struct {
	// Cert and Key are what this side presents: the embedded broker to devices,
	// or this node to an external broker.
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`

	// Of the embedded broker: the address for TLS, default 127.0.0.1:8883 as
	// soon as there is a Cert; and the authorities of the devices' certificates,
	// without which no device gets in then. "": devices need none.
	Listen   string `yaml:"listen"`
	ClientCA string `yaml:"client_ca"`

	// Of an external broker: its authorities, default the system's; the name
	// its certificate must be for, default the URL's host; and whether it is
	// accepted unseen.
	CA                 string `yaml:"ca"`
	ServerName         string `yaml:"server_name"`
	InsecureSkipVerify bool   `yaml:"insecure_skip_verify"`
}

const (
	defaultMQTTListen    = "127.0.0.1:1883"
	defaultMQTTTLSListen = "127.0.0.1:8883"
	defaultClientID      = "telltale"
	listenOff            = "off"
)

func (m *MQTT) setDefaults() {
	setDefault(&m.Listen, defaultMQTTListen)
	if m.Group == "" { // members of a group must not share a name
		setDefault(&m.ClientID, defaultClientID)
	}
	if m.Broker == "" && m.TLS.Cert != "" {
		setDefault(&m.TLS.Listen, defaultMQTTTLSListen)
	}
}

// PlainListen is the embedded broker's address without TLS; "" for none.
func (m MQTT) PlainListen() string {
	if m.Listen == listenOff {
		return ""
	}
	return m.Listen
}

// AllowsAnonymous reports whether the embedded broker takes clients without a
// credential: as configured, else only on a loopback address.
func (m MQTT) AllowsAnonymous() bool {
	if m.Anonymous != nil {
		return *m.Anonymous
	}
	host, _, err := net.SplitHostPort(m.Listen)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

func (c *Config) validateMQTT(fault func(string, ...any)) {
	checkURL(fault, "mqtt.broker", c.MQTT.Broker, "mqtt", "mqtts", "tcp", "ssl", "tls", "ws", "wss")
	if c.MQTT.Broker == "" {
		c.MQTT.validateEmbedded(fault)
		return
	}
	c.MQTT.validateExternal(fault)
	if c.MQTT.Group == "" {
		return
	}
	for i, s := range c.Sources {
		if s.Codec == "sparkplug" {
			fault("sources[%d].codec: sparkplug needs every message of an edge node in one place and in order, which mqtt.group does not give; use mqtt.filters", i)
		}
	}
}

func (m MQTT) validateEmbedded(fault func(string, ...any)) {
	if m.PlainListen() != "" {
		checkListen(fault, "mqtt.listen", m.Listen)
	}
	t := m.TLS
	if t.Listen != "" {
		checkListen(fault, "mqtt.tls.listen", t.Listen)
	}
	if (t.Cert == "") != (t.Key == "") {
		fault("mqtt.tls: cert and key need each other")
	}
	if t.Cert == "" && (m.PlainListen() == "" || t.Listen != "" || t.ClientCA != "") {
		fault("mqtt.tls.cert: is required for TLS at the embedded broker")
	}
	for _, external := range []struct {
		key   string
		given bool
	}{
		{"mqtt.group", m.Group != ""},
		{"mqtt.filters", len(m.Filters) > 0},
		{"mqtt.tls.ca", t.CA != ""},
		{"mqtt.tls.server_name", t.ServerName != ""},
		{"mqtt.tls.insecure_skip_verify", t.InsecureSkipVerify},
	} {
		if external.given {
			fault("%s: is for an external broker, and mqtt.broker is not set", external.key)
		}
	}
}

func (m MQTT) validateExternal(fault func(string, ...any)) {
	t := m.TLS
	scheme, _, _ := strings.Cut(m.Broker, ":")
	encrypted := slices.Contains([]string{"mqtts", "ssl", "tls", "wss"}, scheme)
	switch {
	case t.Listen != "":
		fault("mqtt.tls.listen: is for the embedded broker, and mqtt.broker is set")
	case t.ClientCA != "":
		fault("mqtt.tls.client_ca: is for the embedded broker, and mqtt.broker is set; its authority is mqtt.tls.ca")
	case t != MQTTTLS{} && !encrypted:
		fault("mqtt.tls: mqtt.broker must begin with mqtts:// or wss:// then")
	case (t.Cert == "") != (t.Key == ""):
		fault("mqtt.tls: cert and key need each other")
	}
	if m.Password != "" && m.Username == "" {
		fault("mqtt.username: is required with a password; MQTT 3.1.1 sends none without")
	}
	if m.Group != "" && (m.ClientID == "" || m.ClientID == defaultClientID) {
		fault("mqtt.client_id: is required with mqtt.group: stable, and another one on each node")
	}
	if strings.ContainsAny(m.Group, "/+#") {
		fault("mqtt.group: %q must be without /, + and #", m.Group)
	}
}
