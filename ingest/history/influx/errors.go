package influx

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	client "github.com/influxdata/influxdb-client-go/v2/api/http"

	"telltale/ingest/history"
)

// awayError is an [history.ErrAway] with a sentence.
type awayError struct{ error }

func (awayError) Is(target error) bool { return target == history.ErrAway }
func (e awayError) Unwrap() error      { return e.error }

// explain says what a failed request means to whoever runs the gateway, and
// when to try again where InfluxDB says so. All but a request that InfluxDB
// does not understand is [history.ErrAway].
func (s *Store) explain(err error) error {
	var answer *client.Error
	if !errors.As(err, &answer) || answer.StatusCode == 0 {
		return awayError{fmt.Errorf("reach InfluxDB at %s: %w", s.opts.URL, err)}
	}
	at, bucket := s.opts.URL, s.opts.Bucket
	database, retention, _ := strings.Cut(bucket, "/")
	switch {
	case answer.StatusCode == http.StatusUnauthorized:
		err = fmt.Errorf("InfluxDB at %s does not accept the token for bucket %q; mend history.influx.token (401): %w", at, bucket, err)
	case answer.StatusCode == http.StatusForbidden:
		err = fmt.Errorf("InfluxDB at %s does not accept the token for bucket %q; give it leave to read and write there (403): %w", at, bucket, err)
	case withoutRetention(answer):
		err = fmt.Errorf("InfluxDB at %s has no retention policy %q in database %q; create it, or mend history.influx.bucket (%d): %w",
			at, retention, database, answer.StatusCode, err)
	case answer.StatusCode == http.StatusNotFound, withoutDatabase(answer):
		err = fmt.Errorf("InfluxDB at %s has no bucket %q, or does not show it to this token; "+
			"create it (1.8: CREATE DATABASE %q; 2.x: influx bucket create -n %s), or mend history.influx.bucket (%d): %w",
			at, bucket, database, bucket, answer.StatusCode, err)
	default:
		err = fmt.Errorf("InfluxDB at %s answers %d: %w", at, answer.StatusCode, err)
	}
	if answer.StatusCode != http.StatusBadRequest {
		err = awayError{err}
	}
	if answer.RetryAfter > 0 {
		return &history.LaterError{After: time.Duration(answer.RetryAfter) * time.Second, Err: err}
	}
	return err
}

// withoutDatabase reports whether the Flux of 1.8 says, as a fault of its own,
// that a database does not exist.
func withoutDatabase(answer *client.Error) bool {
	return answer.StatusCode == http.StatusInternalServerError && strings.HasSuffix(answer.Message, "no database")
}

// withoutRetention reports whether 1.8 says, as a fault of its own, that a
// database has no such retention policy.
func withoutRetention(answer *client.Error) bool {
	return answer.StatusCode == http.StatusInternalServerError && strings.HasPrefix(answer.Message, "retention policy not found")
}

// complaintOf returns what InfluxDB holds against the content of a write; nil
// when it may take the same content another time, or another bucket might.
//
// A refusal without a text is one as well: version 3 puts its text where the
// client does not look, and trying it for ever would hold up everything else.
// 413 is a matter of size, and of one reading, that is too large for ever.
func complaintOf(err error) *complaint {
	var answer *client.Error
	if !errors.As(err, &answer) {
		return nil
	}
	text := strings.TrimSpace(answer.Message)
	switch answer.StatusCode {
	case http.StatusRequestEntityTooLarge:
		return &complaint{text: "request too large"}
	case http.StatusUnprocessableEntity:
		return readComplaint(text)
	case http.StatusBadRequest:
		if text == "" || contentWords(text) {
			return readComplaint(text)
		}
	}
	return nil
}

// contentWords reports whether a refusal speaks of points and not of the
// request around them.
func contentWords(text string) bool {
	for _, words := range []string{
		"partial write", "field type conflict", "unable to parse", "retention", "invalid field", "max key length", "time outside range",
	} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}
