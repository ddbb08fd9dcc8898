package app

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// stopTimeout bounds each step of a shutdown.
const stopTimeout = 20 * time.Second

// stack holds what must be undone, last in first out. Each step is registered
// right after the part exists, so a start that fails half-way is undone by the
// same code as a regular stop.
type stack struct{ steps []stopStep }

type stopStep struct {
	name string
	stop func(context.Context) error
}

func (s *stack) onStop(name string, stop func(context.Context) error) {
	s.steps = append(s.steps, stopStep{name, stop})
}

// unwind runs the steps, the last registered first, each with its own time.
func (s *stack) unwind(ctx context.Context) error {
	var faults []error
	for i := len(s.steps) - 1; i >= 0; i-- {
		step := s.steps[i]
		stepCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		if err := step.stop(stepCtx); err != nil {
			faults = append(faults, fmt.Errorf("stop %s: %w", step.name, err))
		}
		cancel()
	}
	s.steps = nil
	return errors.Join(faults...)
}
