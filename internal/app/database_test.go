package app

import (
	"errors"
	"testing"

	"telltale/internal/config"
)

// Whoever gets the new folder first, the others wait or join.
func TestAGatewayAndCommandsMayBeginAtOnce(t *testing.T) {
	t.Parallel()
	cfg := config.Default(t.TempDir())
	cfg.HTTP.Listen, cfg.MQTT.Listen = "127.0.0.1:0", "127.0.0.1:0"
	command := func() error {
		admin, err := OpenAdmin(t.Context(), cfg)
		if err != nil {
			return err
		}
		_, err = admin.Unclaimed(t.Context())
		return errors.Join(err, admin.Close())
	}
	began := make(chan error, 3)
	go func() { began <- command() }()
	go func() { began <- command() }()
	gateway := make(chan *App, 1)
	go func() {
		a, err := New(t.Context(), cfg, Options{})
		gateway <- a
		began <- err
	}()
	var faults []error
	for range cap(began) {
		faults = append(faults, <-began)
	}
	if a := <-gateway; a != nil {
		faults = append(faults, a.Close())
	}
	if err := errors.Join(faults...); err != nil {
		t.Error(err)
	}
}
