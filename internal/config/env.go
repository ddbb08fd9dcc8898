package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// twin ties an environment variable to its key.
type twin struct {
	name string
	set  func(c *Config, value string) error
}

// twins lists the variables; the environment wins over the file.
func twins() []twin {
	text := func(field func(c *Config) *string) func(*Config, string) error {
		return func(c *Config, v string) error { *field(c) = v; return nil }
	}
	secret := func(field func(c *Config) *Secret) func(*Config, string) error {
		return func(c *Config, v string) error { *field(c) = Secret(v); return nil }
	}
	return append([]twin{
		{"TELLTALE_DATA", text(func(c *Config) *string { return &c.Data })},
		{"TELLTALE_DATABASE_URL", secret(func(c *Config) *Secret { return &c.Database.URL })},
		{"TELLTALE_MQTT_LISTEN", text(func(c *Config) *string { return &c.MQTT.Listen })},
		{"TELLTALE_MQTT_ANONYMOUS", setAnonymous},
		{"TELLTALE_MQTT_BROKER", text(func(c *Config) *string { return &c.MQTT.Broker })},
		{"TELLTALE_MQTT_CLIENT_ID", text(func(c *Config) *string { return &c.MQTT.ClientID })},
		{"TELLTALE_MQTT_USERNAME", text(func(c *Config) *string { return &c.MQTT.Username })},
		{"TELLTALE_MQTT_PASSWORD", secret(func(c *Config) *Secret { return &c.MQTT.Password })},
		{"TELLTALE_MQTT_GROUP", text(func(c *Config) *string { return &c.MQTT.Group })},
		{"TELLTALE_MQTT_FILTERS", setFilters},
		{"TELLTALE_MQTT_TLS_CERT", text(func(c *Config) *string { return &c.MQTT.TLS.Cert })},
		{"TELLTALE_MQTT_TLS_KEY", text(func(c *Config) *string { return &c.MQTT.TLS.Key })},
		{"TELLTALE_MQTT_TLS_LISTEN", text(func(c *Config) *string { return &c.MQTT.TLS.Listen })},
		{"TELLTALE_MQTT_TLS_CLIENT_CA", text(func(c *Config) *string { return &c.MQTT.TLS.ClientCA })},
		{"TELLTALE_MQTT_TLS_CA", text(func(c *Config) *string { return &c.MQTT.TLS.CA })},
		{"TELLTALE_MQTT_TLS_SERVER_NAME", text(func(c *Config) *string { return &c.MQTT.TLS.ServerName })},
		{"TELLTALE_MQTT_TLS_INSECURE_SKIP_VERIFY", setInsecure},
		{"TELLTALE_STREAM_URL", text(func(c *Config) *string { return &c.Stream.URL })},
		{"TELLTALE_STREAM_PARTITIONS", setPartitions},
		{"TELLTALE_HISTORY", text(func(c *Config) *string { return &c.History.Store })},
		{"TELLTALE_INFLUX_URL", text(func(c *Config) *string { return &c.History.Influx.URL })},
		{"TELLTALE_INFLUX_TOKEN", secret(func(c *Config) *Secret { return &c.History.Influx.Token })},
		{"TELLTALE_INFLUX_ORG", text(func(c *Config) *string { return &c.History.Influx.Org })},
		{"TELLTALE_INFLUX_BUCKET", text(func(c *Config) *string { return &c.History.Influx.Bucket })},
		{"TELLTALE_HTTP_LISTEN", text(func(c *Config) *string { return &c.HTTP.Listen })},
		{"TELLTALE_HTTP_PUBLIC_URL", text(func(c *Config) *string { return &c.HTTP.PublicURL })},
		{"TELLTALE_LOG_LEVEL", text(func(c *Config) *string { return &c.Log.Level })},
	}, tracingTwins()...)
}

func setAnonymous(c *Config, value string) error {
	allowed, err := strconv.ParseBool(value)
	if err != nil {
		return fmt.Errorf("%q is neither true nor false", value)
	}
	c.MQTT.Anonymous = &allowed
	return nil
}

func setInsecure(c *Config, value string) error {
	skip, err := strconv.ParseBool(value)
	if err != nil {
		return fmt.Errorf("%q is neither true nor false", value)
	}
	c.MQTT.TLS.InsecureSkipVerify = skip
	return nil
}

// setFilters takes topic filters with spaces between.
func setFilters(c *Config, value string) error {
	c.MQTT.Filters = strings.Fields(value)
	return nil
}

func setPartitions(c *Config, value string) error {
	n, err := strconv.Atoi(value)
	if err != nil {
		return fmt.Errorf("%q is not a number", value)
	}
	c.Stream.Partitions = n
	return nil
}

// overlay sets what the environment names. An empty variable counts as unset.
func overlay(c *Config, env func(string) (string, bool)) error {
	var faults []error
	for _, t := range twins() {
		value, ok := env(t.name)
		if !ok || value == "" {
			continue
		}
		if err := t.set(c, value); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", t.name, err))
		}
	}
	return errors.Join(faults...)
}
