package influx

import (
	"context"
	"errors"
	"net/http"
	"strings"

	client "github.com/influxdata/influxdb-client-go/v2/api/http"
)

// note remembers how the last write went, for [Store.Ready].
func (s *Store) note(ctx context.Context, err error) {
	switch {
	case err == nil:
		s.failure.Store(nil)
	case ctx.Err() == nil:
		s.failure.Store(&err)
	}
}

// Ready returns why history is not written: what the last write failed with,
// or why one would fail now. It says what to do about it, where that is known.
func (s *Store) Ready(ctx context.Context) error {
	if failure := s.failure.Load(); failure != nil {
		return *failure
	}
	return s.writable(ctx)
}

// nothing is a text in the line protocol that holds no point, only a comment.
const nothing = "# ready?\n"

// writable asks whether readings would be taken, by writing none of them. Of
// all requests this alone is answered by each version after it has looked for
// database or bucket, retention policy and permission, leaves no trace, and
// needs no permission besides the one that writing needs.
func (s *Store) writable(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	err := s.writes.WriteRecord(ctx, nothing)
	if err == nil || meansEmpty(err) {
		return nil
	}
	return s.explain(err)
}

// meansEmpty reports whether a write is refused for the sole reason that it
// holds nothing.
func meansEmpty(err error) bool {
	var answer *client.Error
	return errors.As(err, &answer) && answer.StatusCode == http.StatusBadRequest && strings.Contains(answer.Message, "requires points")
}
