package app

import (
	"context"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/ingest/stream"
)

// historySource is the log as the history writer reads it.
type historySource struct{ log *stream.Log }

// Read is [history.Source]'s.
func (s historySource) Read(ctx context.Context, partition int, after uint64) (history.Reader, error) {
	reader, err := s.log.Read(ctx, partition, after)
	if err != nil {
		return nil, err
	}
	return historyReader{reader}, nil
}

type historyReader struct{ *stream.Reader }

// Next is [history.Reader]'s.
func (r historyReader) Next(ctx context.Context) (uint64, []devices.Report, error) {
	message, err := r.Reader.Next(ctx)
	return message.Seq, message.Reports, err
}
