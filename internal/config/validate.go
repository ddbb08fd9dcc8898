package config

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// maxPartitions bounds how many workers, leases and syncs a node may need.
const maxPartitions = 256

// validate returns every fault, each beginning with the path of its key.
func (c *Config) validate() []error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }

	if c.Data == "" && (c.Database.URL == "" || c.Stream.URL == "") {
		fault("data: a folder is needed for what runs embedded; give --data, or database.url and stream.url")
	}
	checkURL(fault, "database.url", c.Database.URL.Reveal(), "postgres", "postgresql")
	c.validateMQTT(fault)
	checkURL(fault, "stream.url", c.Stream.URL, "nats", "tls")
	checkURL(fault, "http.public_url", c.HTTP.PublicURL, "http", "https")
	checkListen(fault, "http.listen", c.HTTP.Listen)
	checkURL(fault, "tracing.endpoint", c.Tracing.Endpoint, "http", "https")
	if c.Stream.Partitions < 0 || c.Stream.Partitions > maxPartitions { // 0: as the log has, or its default
		fault("stream.partitions: %d is not between 1 and %d", c.Stream.Partitions, maxPartitions)
	}
	if c.Stream.MaxBytes < 1<<20 {
		fault("stream.max_bytes: %d is less than 1 MiB", c.Stream.MaxBytes)
	}
	c.validateHistory(fault)
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.Log.Level) {
		fault("log.level: %q is none of debug, info, warn, error", c.Log.Level)
	}
	c.validateSources(fault)
	c.validateIdentity(fault)
	c.Limits.validate(fault)
	c.validateWebhooks(fault)
	return faults
}

func (c *Config) validateHistory(fault func(string, ...any)) {
	h := c.History
	checkURL(fault, "history.influx.url", h.Influx.URL, "http", "https")
	switch h.Store {
	case "postgres":
	case "influx":
		if h.Influx.URL == "" {
			fault("history.influx.url: is required by the store influx")
		}
		if h.Influx.Bucket == "" {
			fault("history.influx.bucket: is required by the store influx")
		}
	default:
		fault("history.store: %q is not a known store (postgres, influx)", h.Store)
	}
	if h.Retain < 0 {
		fault("history.retain: must be positive")
	}
}

func (c *Config) validateSources(fault func(string, ...any)) {
	for i, s := range c.Sources {
		path := fmt.Sprintf("sources[%d]", i)
		if s.Filter == "" {
			fault("%s.filter: is required", path)
		}
		if s.Codec == "" {
			fault("%s.codec: is required", path)
		}
		if s.Codec == "fields" && len(s.Metrics) == 0 {
			fault("%s.metrics: the fields codec needs at least one metric", path)
		}
	}
}

func (c *Config) validateWebhooks(fault func(string, ...any)) {
	seen := map[string]bool{}
	for i, w := range c.Webhooks {
		path := fmt.Sprintf("webhooks[%d]", i)
		switch {
		case w.Name == "":
			fault("%s.name: is required", path)
		case seen[w.Name]:
			fault("%s.name: %q is used twice", path, w.Name)
		}
		seen[w.Name] = true
		if w.URL == "" {
			fault("%s.url: is required", path)
		}
		checkURL(fault, path+".url", w.URL, "http", "https")
		if !strings.HasPrefix(w.Secret.Reveal(), "whsec_") {
			fault("%s.secret: must begin with whsec_ (Standard Webhooks)", path)
		}
	}
}

func checkURL(fault func(string, ...any), path, value string, schemes ...string) {
	if value == "" {
		return
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" && u.RawQuery == "" || !slices.Contains(schemes, u.Scheme) {
		// The value may hold a password, so it is not repeated.
		fault("%s: is not a URL of the form %s://host:port", path, schemes[0])
	}
}

func checkListen(fault func(string, ...any), path, value string) {
	if _, _, err := net.SplitHostPort(value); err != nil {
		fault("%s: %q is not host:port", path, value)
	}
}
