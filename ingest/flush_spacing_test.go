package ingest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"telltale/devices"
)

func TestFlushesOfManyAreSpaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := new(memory)
		slow := func(ctx context.Context, at time.Time, reports []devices.Report, refused [][]byte) error {
			time.Sleep(flushSpacing / 3) // while others come
			return log.Append(ctx, at, reports, refused)
		}
		p := startPipeline(t, appenderFunc(slow), PipelineOptions{})
		began := time.Now()
		var senders sync.WaitGroup
		for i := range 2 * fewMessages {
			senders.Go(func() {
				for range 100 {
					if err := p.Accept(t.Context(), telemetry(fmt.Sprintf("fridge-%d", i), `{"values":{"temperature":4}}`)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		senders.Wait()
		took := time.Since(began)
		if _, _, flushes := log.stored(); flushes > int(took/flushSpacing)+2 { // the first may be of a few
			t.Errorf("%d flushes in %s, want no more than one in %s", flushes, took, flushSpacing)
		}
	})
}

func TestAFewMessagesDoNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := startPipeline(t, new(memory), PipelineOptions{})
		began := time.Now()
		for range 100 {
			if err := p.Accept(t.Context(), telemetry("fridge-1", `{"values":{"temperature":4}}`)); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("100 messages, one after the other, waited %s", took)
		}
	})
}
