package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"telltale/ingest"
	"telltale/ingest/codec"
	"telltale/internal/config"
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

func (a *App) buildIngest(ctx context.Context) error {
	births, err := a.db.Births(ctx)
	if err != nil {
		return err
	}
	a.edge = newEdge(a.db.KeepBirths, a.logger.Named("sparkplug"))
	opts := a.codecs
	opts.Births, opts.KeepBirth, opts.Publish, opts.Metrics = births, a.edge.keep, a.edge.ask, a.registry
	opts.Scripts = modelScripts{a.declarations.Directory, a.scripts}
	router, err := codec.NewRouter(sources(a.cfg.Sources), opts)
	if err != nil {
		return fmt.Errorf("sources: %w", err)
	}
	clocks := clocks(a.cfg)
	drifts, err := a.drifts(ctx, clocks)
	if err != nil {
		return err
	}
	a.pipeline, err = ingest.NewPipeline(a.log, a.declarations.Directory, ingest.PipelineOptions{
		Router: router, Clocks: clocks, Drifts: drifts, Metrics: a.registry, Log: a.logger.Named("pipeline"),
		Limits: ingest.Limits{DeviceRate: a.cfg.Limits.DeviceRate, DeviceBurst: a.cfg.Limits.DeviceBurst},
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
	log := a.logger.Named("broker")
	certificates, err := certificates(a.cfg.MQTT, ingest.CertificateOptions{Metrics: a.registry, Log: log})
	if err != nil {
		return err
	}
	broker, err := ingest.NewBroker(a.pipeline, ingest.BrokerOptions{
		Listen: a.cfg.MQTT.PlainListen(), ListenTLS: a.cfg.MQTT.TLS.Listen, Certificates: certificates,
		Authenticator: ingest.Certified{Otherwise: authenticate}, Metrics: a.registry, Log: log,
	})
	if err != nil {
		return fmt.Errorf("embedded broker: %w", err)
	}
	a.door, a.edge.publish = broker, broker.Publish
	return nil
}

func (a *App) buildSubscriber(router *codec.Router) error {
	cfg, log := a.cfg.MQTT, a.logger.Named("subscriber")
	certificates, err := certificates(cfg, ingest.CertificateOptions{Metrics: a.registry, Log: log})
	if err != nil {
		return err
	}
	filters, unshared := subscriptions(cfg, router)
	subscriber, err := ingest.NewSubscriber(a.pipeline, ingest.SubscriberOptions{
		URL: cfg.Broker, ClientID: cfg.ClientID, Username: cfg.Username, Password: cfg.Password.Reveal(),
		Certificates: certificates, Filters: filters, Group: cfg.Group, Unshared: unshared,
		Metrics: a.registry, Log: log,
	})
	if err != nil {
		return fmt.Errorf("external broker: %w", err)
	}
	a.door, a.edge.publish = subscriber, subscriber.Publish
	return nil
}

// subscriptions are the topics that this node asks an external broker for, and
// those among them that are not dealt out to its group.
func subscriptions(cfg config.MQTT, router *codec.Router) (filters, unshared []string) {
	unshared = append(router.StatusFilters(), router.PresenceFilters()...)
	if len(cfg.Filters) > 0 {
		return cfg.Filters, unshared
	}
	filters = router.Filters()
	if cfg.Group == "" {
		return filters, unshared
	}
	for _, filter := range unshared {
		if !slices.Contains(filters, filter) {
			filters = append(filters, filter)
		}
	}
	return filters, unshared
}

// certificates reads the files for TLS; nil when there are none.
func certificates(cfg config.MQTT, opts ingest.CertificateOptions) (*ingest.Certificates, error) {
	files := ingest.CertificateFiles{
		Cert: cfg.TLS.Cert, Key: cfg.TLS.Key, CA: cmp.Or(cfg.TLS.CA, cfg.TLS.ClientCA),
		ServerName: cfg.TLS.ServerName, InsecureSkipVerify: cfg.TLS.InsecureSkipVerify,
	}
	if files == (ingest.CertificateFiles{}) {
		return nil, nil
	}
	c, err := ingest.ReadCertificates(files, opts)
	if err != nil {
		return nil, fmt.Errorf("mqtt.tls: %w", err)
	}
	return c, nil
}
