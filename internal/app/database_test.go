package app

import (
	"context"
	"errors"
	"testing"

	"telltale/internal/config"
)

// Whoever gets the new folder first, the other waits or joins.
func TestAGatewayAndACommandMayBeginAtOnce(t *testing.T) {
	t.Parallel()
	cfg := config.Default(t.TempDir())
	cfg.HTTP.Listen, cfg.MQTT.Listen = "127.0.0.1:0", "127.0.0.1:0"
	began := make(chan error, 2)
	go func() {
		admin, err := OpenAdmin(context.Background(), cfg)
		if err == nil {
			err = admin.Close()
		}
		began <- err
	}()
	gateway := make(chan *App, 1)
	go func() {
		a, err := New(context.Background(), cfg, Options{})
		gateway <- a
		began <- err
	}()
	var faults []error
	for range 2 {
		faults = append(faults, <-began)
	}
	if a := <-gateway; a != nil {
		faults = append(faults, a.Close())
	}
	if err := errors.Join(faults...); err != nil {
		t.Error(err)
	}
}
