package app

import (
	"testing"
	"time"

	"go.uber.org/zap"

	"telltale/ingest"
	"telltale/internal/gatewaytest"
	"telltale/rules"
)

// TestARuleWhoseMetricNeverCameIsDegraded: the fridge says nothing of its door,
// not even four days after the rules were declared.
func TestARuleWhoseMetricNeverCameIsDegraded(t *testing.T) {
	t.Parallel()
	a := startGateway(t, nil)
	declareAll(t, a, `
{kind: Model, id: FR-1, report_every: 1m, metrics: {temperature: {unit: Cel}, door: {unit: bool}}}
---
{kind: Device, id: fridge-1, model: FR-1}
---
{kind: Rule, id: left-open, when: door and temperature > 8}
---
{kind: Rule, id: warm, when: temperature > 8}
`)
	// lookAfter is what is found that many days from now, just after the fridge
	// has told its temperature.
	lookAfter := func(days int) []rules.Shortage {
		t.Helper()
		now := time.Now().AddDate(0, 0, days).Truncate(time.Second)
		stored := make(chan error, 1)
		a.pipeline.Submit(t.Context(), ingest.Message{
			Topic: "telltale/fridge-1/telemetry", Payload: []byte(`{"values":{"temperature":4}}`), QoS: 1, ReceivedAt: now,
		}, func(err error) { stored <- err })
		if err := <-stored; err != nil {
			t.Fatal(err)
		}
		gatewaytest.Await(t, "the fridge to be heard", func() bool {
			heard, err := a.db.Heard(t.Context(), []string{"temperature"}, nil)
			return err == nil && len(heard) == 1 && !heard[0].Metrics["temperature"].Before(now)
		})
		looking := &unheard{db: a.db, rules: a.declarations.work, logger: zap.NewNop(), now: func() time.Time { return now }}
		if err := looking.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		return looking.found()
	}
	if found := lookAfter(2); len(found) != 0 {
		t.Errorf("after two days: %+v", found)
	}
	found := lookAfter(4)
	if len(found) != 1 || found[0].Rule != "left-open" || found[0].Device != "" {
		t.Fatalf("found %+v, want the rule that needs the door", found)
	}
	a.unheard.latest.Store(&found)                                // as its own look would, ten minutes on
	declareAll(t, a, `{kind: Device, id: fridge-2, model: FR-1}`) // so that the workers look at once, not within half a minute
	gatewaytest.Await(t, "the rule to be degraded", func() bool {
		health, err := a.db.RuleHealth(t.Context())
		return err == nil && health["left-open"].State == rules.Degraded && health["left-open"].Reason == found[0].Reason
	})
}
