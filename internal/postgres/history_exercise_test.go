package postgres_test

import (
	"testing"

	"telltale/ingest/history/historytest"
)

func TestHistoryInPostgreSQL(t *testing.T) {
	t.Parallel()
	historytest.Exercise(t, func(t *testing.T) historytest.Subject {
		f := newFixture(t, historytest.Devices()...)
		return historytest.Subject{Store: f.store, Reader: f.db, Epoch: f.epoch, Acquire: func() int64 {
			f.acquire()
			return f.epoch
		}}
	})
}
