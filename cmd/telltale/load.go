package main

import (
	"context"
	"fmt"
	"time"

	"telltale/internal/load"
)

type loadCmd struct {
	Broker      string        `default:"127.0.0.1:1883" help:"Address of the broker, host:port."`
	Username    string        `help:"User name, for all connections."`
	Password    string        `env:"TELLTALE_MQTT_PASSWORD" help:"Password, for all connections."`
	Connections int           `default:"1000" help:"How many connections."`
	Window      int           `default:"1" help:"Unacknowledged messages per connection."`
	Rate        int           `help:"Messages per second of all connections together; 0 is as fast as acknowledged."`
	Duration    time.Duration `default:"30s" help:"How long to publish."`
	Devices     int           `default:"1000" help:"How many devices the messages are from."`
	DeviceID    string        `default:"load-%05d" help:"Format of a device id."`
	Rest        time.Duration `help:"How long to rest between connecting and publishing."`
	WarmUp      time.Duration `help:"How long to publish before that without measuring latencies."`
	BreachEvery int           `help:"Every n-th device goes too warm for two seconds, one after the other, so that tickets open."`
}

// Run publishes and prints what it measured.
func (c loadCmd) Run(ctx context.Context, io *console) error {
	report, err := load.Run(ctx, load.Options{
		Broker: c.Broker, Username: c.Username, Password: c.Password,
		Connections: c.Connections, Window: c.Window, Rate: c.Rate, Duration: c.Duration,
		Devices: c.Devices, DeviceID: c.DeviceID, BreachEvery: c.BreachEvery,
		WarmUp: c.WarmUp, Rest: c.Rest, Connected: func() { fmt.Fprintf(io.out, "%d connected\n", c.Connections) },
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(io.out, report)
	return nil
}
