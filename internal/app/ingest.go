package app

import (
	"context"
	"fmt"

	"telltale/ingest"
	"telltale/ingest/codec"
)

// door is where messages come in: the embedded broker, or a subscription at an
// external one.
type door interface {
	// Run takes messages until ctx ends and what is under way is answered.
	Run(ctx context.Context) error

	// Ready returns why no messages come in; nil when they do.
	Ready() error
}

var (
	_ door = (*ingest.Broker)(nil)
	_ door = (*ingest.Subscriber)(nil)
)

func (a *App) buildIngest(context.Context) error {
	router, err := codec.NewRouter(a.sources(), a.codecs)
	if err != nil {
		return fmt.Errorf("sources: %w", err)
	}
	a.pipeline, err = ingest.NewPipeline(a.log, a.declarations.Directory, ingest.PipelineOptions{
		Router: router, Metrics: a.registry, Log: a.logger.Named("pipeline"),
	})
	if err != nil {
		return err
	}
	if a.cfg.MQTT.Broker != "" {
		return a.buildSubscriber(router)
	}
	return a.buildBroker()
}

func (a *App) buildBroker() error {
	var authenticate ingest.Authenticator = deviceLogin{a.db}
	if a.cfg.MQTT.AllowsAnonymous() {
		authenticate = ingest.Anonymous{Otherwise: authenticate}
	}
	broker, err := ingest.NewBroker(a.pipeline, ingest.BrokerOptions{
		Listen: a.cfg.MQTT.Listen, Authenticator: authenticate, Metrics: a.registry, Log: a.logger.Named("broker"),
	})
	if err != nil {
		return fmt.Errorf("embedded broker: %w", err)
	}
	a.door = broker
	return nil
}

func (a *App) buildSubscriber(router *codec.Router) error {
	subscriber, err := ingest.NewSubscriber(a.pipeline, ingest.SubscriberOptions{
		URL: a.cfg.MQTT.Broker, ClientID: a.cfg.MQTT.ClientID,
		Username: a.cfg.MQTT.Username, Password: a.cfg.MQTT.Password.Reveal(),
		Filters: router.Filters(), Metrics: a.registry, Log: a.logger.Named("subscriber"),
	})
	if err != nil {
		return fmt.Errorf("external broker: %w", err)
	}
	a.door = subscriber
	return nil
}

// sources are the configured topics as the router wants them.
func (a *App) sources() []codec.Source {
	sources := make([]codec.Source, len(a.cfg.Sources))
	for i, s := range a.cfg.Sources {
		sources[i] = codec.Source{Name: s.Name, Filter: s.Filter, Codec: s.Codec, Device: s.Device}
		if s.Codec == "fields" {
			sources[i].Fields = &codec.FieldMap{Time: s.Time, Layout: s.Layout, Values: s.Metrics}
		}
	}
	return sources
}
