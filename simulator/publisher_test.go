package simulator_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/simulator"
)

// online starts a publisher for a fleet. The returned function ends it.
func online(t *testing.T, b *broker, fleet *simulator.Fleet, opts simulator.PublisherOptions) (*simulator.Publisher, func()) {
	t.Helper()
	opts.Broker, opts.RetryAfter = b.url(), 50*time.Millisecond
	publisher := simulator.NewPublisher(fleet.Units(), opts)
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		if err := publisher.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	stop := func() {
		cancel()
		group.Wait()
	}
	t.Cleanup(stop)
	return publisher, stop
}

// expected is what the broker should be given for reports, by topic.
func expected(reports []devices.Report) map[string][]string {
	topics := make(map[string][]string)
	for _, r := range reports {
		if r.Presence == devices.PresenceUnknown {
			topic := "telltale/" + string(r.Device) + "/telemetry"
			topics[topic] = append(topics[topic], string(simulator.Payload(r)))
		}
	}
	return topics
}

// telemetry sorts messages by topic, in the order of arrival.
func telemetry(messages []string) map[string][]string {
	topics := make(map[string][]string)
	for _, m := range messages {
		topic, payload, _ := strings.Cut(m, " ")
		if strings.HasSuffix(topic, "/telemetry") {
			topics[topic] = append(topics[topic], payload)
		}
	}
	return topics
}

func countTelemetry(messages []string) int {
	n := 0
	for _, payloads := range telemetry(messages) {
		n += len(payloads)
	}
	return n
}

func TestTheBrokerGetsExactlyWhatTheFleetSays(t *testing.T) {
	t.Parallel()
	for name, connections := range map[string]int{"each unit by itself": 100, "units sharing connections": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBroker(t)
			heard := listen(t, b.url())
			fleet := simulator.NewFleet(scenario(t, mixed), start)
			publisher, stop := online(t, b, fleet, simulator.PublisherOptions{MaxConnections: connections, Window: 8})

			reports := fleet.Step(start.Add(2 * time.Hour))
			if err := publisher.Publish(t.Context(), reports); err != nil {
				t.Fatal(err)
			}
			if err := publisher.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			want := expected(reports)
			total := 0
			for _, payloads := range want {
				total += len(payloads)
			}
			messages := heard.wait(t, "all reports", func(m []string) bool { return countTelemetry(m) >= total })
			if diff := cmp.Diff(want, telemetry(messages)); diff != "" {
				t.Errorf("telemetry (-said +heard):\n%s", diff)
			}
			if got := publisher.Acknowledged(); got != int64(total) {
				t.Errorf("%d acknowledged, want %d", got, total)
			}

			stop()
			heard.wait(t, "goodbyes", func(m []string) bool {
				goodbyes := 0
				for _, text := range m {
					if strings.HasSuffix(text, "/status offline") {
						goodbyes++
					}
				}
				return goodbyes == len(fleet.Units())
			})
		})
	}
}

func TestABrokerThatGoesAwayLosesNothing(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	heard := listen(t, b.url())
	fleet := simulator.NewFleet(scenario(t, mixed), start)
	publisher, _ := online(t, b, fleet, simulator.PublisherOptions{Window: 8})

	var reports []devices.Report
	publish := func(upTo time.Duration) {
		t.Helper()
		some := fleet.Step(start.Add(upTo))
		reports = append(reports, some...)
		if err := publisher.Publish(t.Context(), some); err != nil {
			t.Fatal(err)
		}
	}
	for round := range 3 {
		before := time.Duration(round) * time.Hour
		publish(before + 30*time.Minute)
		heard.wait(t, "some reports", func(m []string) bool { return countTelemetry(m) > round*500 })
		b.stop()
		publish(before + time.Hour)
		b.start()
	}
	if err := publisher.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}

	want := expected(reports)
	total := 0
	for _, payloads := range want {
		total += len(payloads)
	}
	messages := heard.wait(t, "all reports", func(m []string) bool { return countTelemetry(m) >= total })
	if diff := cmp.Diff(want, telemetry(messages)); diff != "" {
		t.Errorf("telemetry (-said +heard):\n%s", diff)
	}
}

func TestADropoutIsToldByTheLastWill(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	heard := listen(t, b.url())
	fleet := simulator.NewFleet(scenario(t, `
fleet: [{kind: fridge, id: fridge-1}]
faults: [{device: fridge-1, fault: dropout, at: 10m, for: 10m}]
`), start)
	publisher, _ := online(t, b, fleet, simulator.PublisherOptions{})
	heard.wait(t, "the unit", func(m []string) bool { return len(m) > 0 })

	if err := publisher.Publish(t.Context(), fleet.Step(start.Add(15*time.Minute))); err != nil {
		t.Fatal(err)
	}
	messages := heard.wait(t, "the last will", func(m []string) bool {
		return m[len(m)-1] == "telltale/fridge-1/status offline"
	})
	if messages[0] != "telltale/fridge-1/status online" || countTelemetry(messages) != 10 {
		t.Errorf("heard before the will:\n%s", strings.Join(messages, "\n"))
	}

	if err := publisher.Publish(t.Context(), fleet.Step(start.Add(30*time.Minute))); err != nil {
		t.Fatal(err)
	}
	heard.wait(t, "the return", func(m []string) bool { return countTelemetry(m) == 20 })
}

func TestPublishWaitsWhileTheBacklogIsFull(t *testing.T) {
	t.Parallel()
	fleet := simulator.NewFleet(scenario(t, "fleet: [{kind: fridge, id: a}]"), start)
	publisher := simulator.NewPublisher(fleet.Units(), simulator.PublisherOptions{Backlog: 5})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := publisher.Publish(ctx, fleet.Step(start.Add(5*time.Minute))); err != nil {
		t.Fatal(err)
	}
	if err := publisher.Publish(ctx, fleet.Step(start.Add(6*time.Minute))); err == nil {
		t.Error("the sixth message found room")
	}
}

func TestAStrangersReportIsRefused(t *testing.T) {
	t.Parallel()
	publisher := simulator.NewPublisher([]devices.ID{"a"}, simulator.PublisherOptions{})
	if err := publisher.Publish(t.Context(), []devices.Report{{Device: "b"}}); err == nil {
		t.Error("accepted")
	}
}

func TestRunPublishesByTheClock(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	heard := listen(t, b.url())
	began := time.Now()
	clock := simulator.Clock{Start: began.Add(-time.Hour), Began: began, Speed: 3600}
	fleet := simulator.NewFleet(scenario(t, "fleet: [{kind: fridge, id: a}]"), clock.Start)
	publisher, _ := online(t, b, fleet, simulator.PublisherOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- simulator.Run(ctx, fleet, clock, publisher) }()

	heard.wait(t, "an hour of reports", func(m []string) bool { return countTelemetry(m) >= 59 })
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}
}
