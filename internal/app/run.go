package app

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"go.uber.org/zap"
)

// loop is one part that works until its context ends. Returning earlier, or
// with an error after its context ended, is a fault.
type loop struct {
	name string
	run  func(ctx context.Context) error
}

// stage is loops that stop together.
type stage []loop

// stages lists all loops in the order data flows, which is the order they
// stop in: first the doors, so that nothing new comes in; then the pipeline,
// which acknowledges what is under way; then the consumers of the log; then
// what tells the outside.
func (a *App) stages() []stage {
	return []stage{
		{{"broker", a.door.Run}},
		{{"pipeline", a.pipeline.Run}},
		{{"sparkplug", a.edge.run}},
		{
			{"rule workers", a.workers.Run},
			{"history writer", a.readings.run},
			{"quarantine keeper", a.runKeeper},
			{"replays", a.replayer.run},
			{"imports", a.importer.run},
			{"presence", a.newListener().run},
			{"declarations", a.declarations.follow},
			{"heartbeat", a.declarations.announce},
			{"inhibiting alarms", a.around.follow},
			{"metrics that do not come", a.unheard.follow},
			{"janitor", a.janitor.run},
		},
		{{"outbox", a.dispatcher.Run}},
		{{"console", a.runConsole}},
		{{"spans", a.runTracer}},
	}
}

// Run works until ctx ends or a part fails, then stops all parts in the order
// data flows. It returns why a part failed, and nil after a regular stop.
func (a *App) Run(ctx context.Context) error {
	stages := a.stages()
	loops := 0
	for _, s := range stages {
		loops += len(s)
	}
	failed := make(chan error, loops) // room for every loop: none waits for us
	var running []*runningStage
	// Started from the end of the flow, so that whoever receives is there
	// before whoever sends.
	for i := len(stages) - 1; i >= 0; i-- {
		running = append(running, start(ctx, stages[i], failed))
	}
	a.logger.Info("gateway runs", zap.String("console", a.cfg.HTTP.PublicURL), zap.String("version", a.version))

	var faults []error
	select {
	case <-ctx.Done():
	case err := <-failed:
		a.logger.Error("part failed, the gateway stops", zap.Error(err))
		faults = append(faults, err)
	}
	for i := len(running) - 1; i >= 0; i-- {
		running[i].stop()
	}
	close(failed)
	for err := range failed {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// runningStage is a stage that was started.
type runningStage struct {
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// start runs the loops of a stage. Their context is not ctx itself: it ends
// when it is the stage's turn.
func start(ctx context.Context, loops stage, failed chan<- error) *runningStage {
	s := &runningStage{}
	stageCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel = cancel
	for _, l := range loops {
		s.wg.Go(func() {
			err := l.run(stageCtx)
			switch {
			case stageCtx.Err() == nil && err == nil:
				failed <- fmt.Errorf("%s ended by itself", l.name)
			case err != nil && !errors.Is(err, context.Canceled):
				failed <- fmt.Errorf("%s: %w", l.name, err)
			}
		})
	}
	return s
}

// stop ends the stage's loops and waits for them.
func (s *runningStage) stop() {
	s.cancel()
	s.wg.Wait()
}

// runTracer sends spans, those of the other stages' last work among them.
func (a *App) runTracer(ctx context.Context) error {
	if a.tracer == nil {
		<-ctx.Done()
		return nil
	}
	return a.tracer.Run(ctx)
}

func (a *App) runKeeper(ctx context.Context) error {
	a.holder.Hold(ctx, quarantineConsumer, 0, a.keeper.keep)
	return nil
}
