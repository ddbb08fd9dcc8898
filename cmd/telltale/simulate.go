package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"telltale/simulator"
)

type simulateCmd struct {
	Broker   string  `required:"" help:"URL of the broker, such as mqtt://127.0.0.1:1883."`
	Scenario string  `required:"" help:"Name of a scenario that comes with the program, or a file." placeholder:"NAME_OR_FILE"`
	Seed     uint64  `help:"Same seed, same fleet. Default: the scenario's."`
	Speed    float64 `help:"How much faster than the clock the past is caught up with. Default: the scenario's."`
	Username string  `help:"User name of all connections."`
	Password string  `env:"TELLTALE_MQTT_PASSWORD" help:"Password of all connections."`
}

// Run publishes as the scenario's fleet until it is told to stop.
func (c simulateCmd) Run(ctx context.Context, io *console) error {
	scenario, err := simulator.Load(c.Scenario)
	if err != nil {
		return invalid(err)
	}
	if c.Seed != 0 {
		scenario.Seed = c.Seed
	}
	if c.Speed != 0 {
		scenario.Speed = c.Speed
	}
	began := time.Now()
	start := scenario.Start.Resolve(began)
	fleet := simulator.NewFleet(scenario, start)
	publisher := simulator.NewPublisher(fleet.Units(), simulator.PublisherOptions{
		Broker: c.Broker, Username: c.Username, Password: c.Password,
	})
	fmt.Fprintf(io.out, "%d devices publish to %s, from %s on\n", len(fleet.Units()), c.Broker, start.Format(time.RFC3339))

	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error { return publisher.Run(groupCtx) })
	group.Go(func() error {
		clock := simulator.Clock{Start: start, Began: began, Speed: scenario.Speed}
		return simulator.Run(groupCtx, fleet, clock, publisher)
	})
	group.Go(func() error {
		ticker := time.NewTicker(5 * time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				fmt.Fprintf(io.out, "%d messages acknowledged\n", publisher.Acknowledged())
			case <-groupCtx.Done():
				return nil
			}
		}
	})
	return group.Wait()
}
