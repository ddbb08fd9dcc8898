package config

import (
	"errors"
	"time"
)

// Config is the set-up of one gateway. The zero value of each part means what
// its comment says.
type Config struct {
	// Data is the folder of everything embedded. Required as soon as one part
	// is embedded; the command line's --data overrides it.
	Data string `yaml:"data"`

	Database Database  `yaml:"database"`
	MQTT     MQTT      `yaml:"mqtt"`
	Stream   Stream    `yaml:"stream"`
	History  History   `yaml:"history"`
	HTTP     HTTP      `yaml:"http"`
	Sources  []Source  `yaml:"sources"`
	Clock    Clock     `yaml:"clock"` // of the native topics, and of sources that say nothing. Default: trust
	Webhooks []Webhook `yaml:"webhooks"`

	Limits     Limits     `yaml:"limits"`
	Quarantine Quarantine `yaml:"quarantine"`

	Log     Log     `yaml:"log"`
	Tracing Tracing `yaml:"tracing"`
}

// Database says where PostgreSQL is.
type Database struct {
	URL Secret `yaml:"url"` // "": a private cluster under Data
}

// Stream says where the durable log is.
type Stream struct {
	URL        string `yaml:"url"`        // "": embedded under Data
	Partitions int    `yaml:"partitions"` // fixed at creation. Default 1 embedded, 16 at a URL; docs/decisions/0007
	MaxBytes   int64  `yaml:"max_bytes"`  // refuses new messages beyond. Default 8 GiB
}

// History says where readings are kept.
type History struct {
	Store  string   `yaml:"store"`  // "postgres" (default) or "influx"
	Retain Duration `yaml:"retain"` // older days in PostgreSQL are dropped. Default 400 days
	Influx Influx   `yaml:"influx"` // needed by the store "influx". See docs/history.md
}

// Influx says which InfluxDB keeps the readings.
type Influx struct {
	URL    string `yaml:"url"`
	Token  Secret `yaml:"token"`  // 1.8: "user:password"; "": none is asked for
	Org    string `yaml:"org"`    // 2.x only
	Bucket string `yaml:"bucket"` // 1.8: "database" or "database/retention policy"
}

// HTTP says where people and programs reach the gateway.
type HTTP struct {
	Listen    string `yaml:"listen"`     // default 127.0.0.1:8080
	PublicURL string `yaml:"public_url"` // how links name it. Default http://Listen
}

// Webhook is a destination of outgoing events.
type Webhook struct {
	Name   string   `yaml:"name"`
	URL    string   `yaml:"url"`
	Secret Secret   `yaml:"secret"` // Standard Webhooks, "whsec_..."
	Types  []string `yaml:"types"`  // event types; empty: all
}

// Log says what is logged.
type Log struct {
	Level string `yaml:"level"` // debug, info (default), warn, error
}

// Default values; see the fields.
const (
	defaultHTTPListen = "127.0.0.1:8080"
	defaultMaxBytes   = 8 << 30
	defaultRetain     = 400 * 24 * time.Hour
)

// Default returns the set-up that runs everything embedded under data.
func Default(data string) Config {
	c := Config{Data: data}
	c.setDefaults()
	return c
}

func (c *Config) setDefaults() {
	c.MQTT.setDefaults()
	setDefault(&c.Stream.MaxBytes, defaultMaxBytes)
	setDefault(&c.History.Store, "postgres")
	setDefault(&c.History.Retain, Duration(defaultRetain))
	setDefault(&c.HTTP.Listen, defaultHTTPListen)
	setDefault(&c.HTTP.PublicURL, "http://"+c.HTTP.Listen)
	setDefault(&c.Log.Level, "info")
	c.Limits.setDefaults()
	c.Quarantine.setDefaults()
	c.Clock.setDefaults()
	c.Tracing.setDefaults()
	for i := range c.Sources {
		if c.Sources[i].Clock != nil {
			c.Sources[i].Clock.setDefaults()
		}
	}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Load reads the file at path ("" for none), overlays the environment given
// as a lookup function, fills in the defaults and validates. The error joins
// every fault, each with the file and line or the path of its key.
func Load(path string, env func(string) (string, bool)) (Config, error) {
	var c Config
	if path != "" {
		if err := readFile(path, &c); err != nil {
			return Config{}, err
		}
	}
	if err := overlay(&c, env); err != nil {
		return Config{}, err
	}
	c.setDefaults()
	if faults := c.validate(); len(faults) > 0 {
		return Config{}, errors.Join(faults...)
	}
	return c, nil
}
