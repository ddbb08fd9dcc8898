package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"telltale/devices"
	"telltale/ingest"
	"telltale/ingest/history"
	"telltale/internal/config"
	"telltale/internal/declare"
	"telltale/internal/gatewaytest"
	"telltale/internal/postgres"
	"telltale/internal/views"
)

const claimModel = `
kind: Model
id: FR-1
metrics: {temperature: {unit: Cel, min: -60, max: 80}, door_open: {unit: bool}}
report_every: 1m
`

// TestWhatAStrangerSentComesInWhenItIsDeclared publishes for devices that
// nobody has declared, undated and each message several times, and declares
// them one by one.
func TestWhatAStrangerSentComesInWhenItIsDeclared(t *testing.T) {
	t.Parallel()
	a := startGateway(t, func(cfg *config.Config) {
		cfg.Sources = []config.Source{{Name: "lists", Filter: "lists/#", Codec: "fields", Device: "id", Metrics: map[string]config.Metric{"temperature": {Path: "t"}}}}
	})
	declareAll(t, a, claimModel)
	client := connect(t, a)
	for _, celsius := range []string{"4", "9", "4", "4"} {
		publish(t, client, "telltale/stray-1/telemetry", `{"values":{"temperature":`+celsius+`}}`)
	}
	publish(t, client, "lists/gateway", `[{"id":"stray-1","t":5},{"id":"stray-2","t":6}]`)
	waiting := func(device string) []string {
		page, err := a.db.ListQuarantined(t.Context(), views.RefusedQuery{Device: device, Waiting: true})
		if err != nil {
			t.Fatal(err)
		}
		var counts []string
		for _, r := range page.Rows {
			counts = append(counts, fmt.Sprintf("%s x%d", r.Topic, r.Count))
		}
		slices.Sort(counts)
		return counts
	}
	gatewaytest.Await(t, "the messages to be refused", func() bool {
		return slices.Equal(waiting("stray-1"), []string{"lists/gateway x1", "telltale/stray-1/telemetry x1", "telltale/stray-1/telemetry x3"})
	})

	admin := &Admin{db: a.db}
	if _, err := admin.Claim(t.Context(), declare.Claim{Device: "stray-1", Model: "FR-1"}, "test"); err != nil {
		t.Fatal(err)
	}
	celsius := func(device devices.ID) string {
		points, err := a.readings.RawPoints(t.Context(), device, "temperature", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		values := make([]string, len(points))
		for i, p := range points {
			values[i] = p.Value.String()
		}
		return strings.Join(values, " ")
	}
	gatewaytest.Await(t, "all that stray-1 sent, in its order", func() bool { return celsius("stray-1") == "4 9 4 4 5" })
	if left := waiting("stray-2"); !slices.Equal(left, []string{"lists/gateway x1"}) {
		t.Errorf("of stray-2 wait %v", left)
	}
	if left := waiting("stray-1"); len(left) != 0 {
		t.Errorf("of stray-1 wait %v", left)
	}
	if err := admin.Replay(t.Context(), views.ReplaySelection{Reason: ingest.UnknownDevice}, func(views.Replay) {}); err != nil {
		t.Fatal(err)
	}
	declareAll(t, a, "kind: Device\nid: stray-2\nmodel: FR-1\n") // by a file, as any other
	gatewaytest.Await(t, "what stray-2 sent", func() bool { return celsius("stray-2") == "6" })
	if got := celsius("stray-1"); got != "4 9 4 4 5" {
		t.Errorf("after more replays stray-1 has %s", got)
	}
	if _, err := admin.Claim(t.Context(), declare.Claim{Device: "stray-1", Model: "FR-1"}, "test"); err == nil {
		t.Error("a device is claimed twice")
	}
}

// TestAClockThatIsOffIsCorrectedByPolicy lets devices with wrong clocks publish
// through sources of each policy.
func TestAClockThatIsOffIsCorrectedByPolicy(t *testing.T) {
	t.Parallel()
	source := func(policy string) config.Source {
		return config.Source{Name: policy, Filter: policy + "/+", Codec: "native", Device: "topic[1]", Clock: &config.Clock{Policy: policy, MaxAhead: config.Duration(10 * time.Minute)}}
	}
	a := startGateway(t, func(cfg *config.Config) { cfg.Sources = []config.Source{source("trust"), source("receipt")} })
	declareAll(t, a, claimModel+"---\nkind: Device\nid: dev-1\nmodel: FR-1\n---\nkind: Device\nid: dev-2\nmodel: FR-1\n")
	client := connect(t, a)
	before := time.Now().Add(-time.Second)
	stored := `[{"ts":"1970-01-01T00:00:10Z","values":{"temperature":1}},{"ts":"1970-01-01T00:01:10Z","values":{"temperature":2}}]`
	publish(t, client, "trust/dev-1", stored)
	publish(t, client, "receipt/dev-2", stored)
	gatewaytest.Await(t, "the trusted clock to be refused", func() bool {
		page, err := a.db.ListQuarantined(t.Context(), views.RefusedQuery{Reason: ingest.ImpossibleTime, Device: "dev-1"})
		return err == nil && len(page.Rows) == 1 && page.Rows[0].ObservedAt.Equal(time.Unix(10, 0)) && page.Rows[0].Source == "trust"
	})
	gatewaytest.Await(t, "the corrected readings", func() bool {
		points, err := a.readings.RawPoints(t.Context(), "dev-2", "temperature", before.Add(-time.Hour), time.Now().Add(time.Minute))
		if err != nil || len(points) != 2 {
			return false
		}
		return points[1].T.Sub(points[0].T) == time.Minute && points[1].T.After(before)
	})
	gatewaytest.Await(t, "its offset to be measured", func() bool {
		d, err := a.db.Device(t.Context(), "dev-2", time.Now())
		return err == nil && d.Clock.Behind > 50*365*24*time.Hour && d.Clock.Applied > 50*365*24*time.Hour
	})
}

// TestASteadyOffsetIsCorrectedThroughTheWholeGateway lets a device whose clock
// was measured to be two hours behind, by a gateway that ran before, publish
// through a source that corrects it, and through one that trusts.
func TestASteadyOffsetIsCorrectedThroughTheWholeGateway(t *testing.T) {
	t.Parallel()
	const behind = 2 * time.Hour
	change := func(cfg *config.Config) {
		cfg.Sources = []config.Source{
			{Name: "meters", Filter: "meters/+", Codec: "native", Device: "topic[1]", Clock: &config.Clock{Policy: "offset"}},
			{Name: "trusted", Filter: "trusted/+", Codec: "native", Device: "topic[1]"},
		}
	}
	a := startGateway(t, func(cfg *config.Config) {
		change(cfg)
		measureBefore(t, *cfg, claimModel+"---\nkind: Device\nid: met-1\nmodel: FR-1\n---\nkind: Device\nid: met-2\nmodel: FR-1\n", "met-1", behind)
	})
	client := connect(t, a)
	sent := time.Now().UTC().Truncate(time.Millisecond)
	body := fmt.Sprintf(`{"ts":%d,"values":{"temperature":4}}`, sent.Add(-behind).UnixMilli())
	publish(t, client, "meters/met-1", body)
	publish(t, client, "trusted/met-2", body)
	at := func(device devices.ID) (at time.Time) {
		gatewaytest.Await(t, "the reading of "+string(device), func() bool {
			points, err := a.readings.RawPoints(t.Context(), device, "temperature", sent.Add(-3*time.Hour), sent.Add(time.Minute))
			if err != nil || len(points) != 1 {
				return false
			}
			at = points[0].T
			return true
		})
		return at
	}
	if got := at("met-1").Sub(sent); got.Abs() > 5*time.Second {
		t.Errorf("the corrected reading is stored %s off the time it was made", got)
	}
	if got := at("met-2"); !got.Equal(sent.Add(-behind)) {
		t.Errorf("the trusted reading is stored at %s, sent as %s", got, sent.Add(-behind))
	}
	gatewaytest.Await(t, "the offset to be shown", func() bool {
		d, err := a.db.Device(t.Context(), "met-1", time.Now())
		return err == nil && (d.Clock.Behind-behind).Abs() < 5*time.Second && (d.Clock.Applied-behind).Abs() < 5*time.Second
	})
}

// measureBefore leaves behind what a gateway that ran before would have: the
// declarations, and the offset of a device's clock, measured over minutes.
func measureBefore(t *testing.T, cfg config.Config, declarations string, device devices.ID, behind time.Duration) {
	t.Helper()
	admin, err := OpenAdmin(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if _, err := admin.Apply(t.Context(), []declare.Source{{Name: "test.yaml", Text: []byte(declarations)}}, "test"); err != nil {
		t.Fatal(err)
	}
	epoch, ok, err := admin.db.AcquireLease(t.Context(), history.PresenceConsumer, 0, "before", time.Millisecond)
	if err != nil || !ok {
		t.Fatalf("acquire: ok %t, err %v", ok, err)
	}
	chunk := history.Chunk{Epoch: epoch}
	for ago := 5 * time.Minute; ago > 0; ago -= time.Minute {
		received := time.Now().Add(-ago)
		r := devices.Report{Device: device, ReceivedAt: received, ObservedAt: received, DeviceTime: received.Add(-behind)}
		chunk.Reports = append(chunk.Reports, r)
	}
	presence := postgres.NewPresence(admin.db)
	if _, err := presence.Write(t.Context(), []history.Chunk{chunk}); err != nil {
		t.Fatal(err)
	}
	if err := presence.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, a *App) mqtt.Client {
	t.Helper()
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + a.cfg.MQTT.Listen).SetClientID("claim"))
	if token := client.Connect(); !token.WaitTimeout(gatewaytest.Patience) || token.Error() != nil {
		t.Fatal(token.Error())
	}
	t.Cleanup(func() { client.Disconnect(0) })
	return client
}

func publish(t *testing.T, client mqtt.Client, topic, body string) {
	t.Helper()
	if token := client.Publish(topic, 1, false, body); !token.WaitTimeout(gatewaytest.Patience) || token.Error() != nil {
		t.Fatal(token.Error())
	}
}

func TestListeningIsNotedUpToWhatIsStored(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Time { return time.Date(2026, 3, 1, 12, 0, s, 0, time.UTC) }
	var door error
	end, stored := uint64(5), uint64(0)
	var noted []time.Time
	l := &listener{
		ready:  func() error { return door },
		ends:   func(context.Context) (map[int]uint64, error) { return map[int]uint64{0: end}, nil },
		stored: func(context.Context) (map[int]uint64, error) { return map[int]uint64{0: stored}, nil },
		note:   func(_ context.Context, until time.Time) error { noted = append(noted, until); return nil },
	}
	for i, step := range []func(){
		func() {},                            // at 0 the log ends at 5
		func() { end = 9 },                   // which is not stored at 1
		func() { stored = 5 },                // but at 2: listened until 0; the log ends at 9
		func() {},                            // not stored at 3
		func() { stored = 9 },                // at 4: until 2
		func() { door = errors.New("shut") }, // shut at 5
		func() { door = nil },                // at 6 looked at anew
		func() {},                            // at 7: until 6
	} {
		step()
		if err := l.step(t.Context(), at(i)); err != nil {
			t.Fatal(err)
		}
	}
	if want := []time.Time{at(0), at(2), at(6)}; !slices.Equal(noted, want) {
		t.Errorf("noted %v, want %v", noted, want)
	}
}
