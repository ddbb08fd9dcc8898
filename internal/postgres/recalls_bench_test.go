package postgres_test

import (
	"context"
	"math"
	"testing"
	"time"

	"telltale/internal/declare"
	"telltale/internal/postgres"
	"telltale/internal/postgres/pgtest"
	"telltale/tickets/recalls"
)

// BenchmarkConsider looks at a shipment of thirty days of minutes: load the
// trace, judge it, save the judgement, in one transaction.
func BenchmarkConsider(b *testing.B) {
	db := pgtest.New(b)
	set, err := declare.ParseSources(declare.Source{Name: "world.yaml", Text: []byte(coldWorld)})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := db.Apply(b.Context(), set, "bench"); err != nil {
		b.Fatal(err)
	}
	points := make([]recalls.TracePoint, 43_200)
	for i := range points {
		when := coldStart.Add(time.Duration(i) * time.Minute)
		points[i] = recalls.TracePoint{
			Shipment: "S-1", Device: "reefer-1", ObservedAt: when, ReceivedAt: when,
			Celsius: 5 + 2.9*math.Sin(float64(i)/300),
		}
	}
	if err := db.AddTracePoints(b.Context(), points); err != nil {
		b.Fatal(err)
	}
	desk := recalls.NewDesk(func(ctx context.Context, f func(recalls.Store) error) error {
		return db.InTx(ctx, func(tx *postgres.DB) error { return f(tx) })
	}, recalls.Options{})
	b.ReportAllocs()
	for b.Loop() {
		err := db.InTx(b.Context(), func(tx *postgres.DB) error {
			_, err := desk.Consider(b.Context(), tx, "S-1", "", coldStart.AddDate(0, 1, 0))
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
