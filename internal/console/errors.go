package console

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"

	"telltale/devices"
	"telltale/ingest"
	"telltale/ingest/history"
	"telltale/internal/access"
	"telltale/internal/declare"
	"telltale/internal/views"
	"telltale/tickets"
	"telltale/tickets/crm"
	"telltale/tickets/recalls"
)

// Problem is an error answer as RFC 9457 wants it.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

const internalSentence = "Something went wrong on our side. The cause is in the server's log."

// verdict is what the outside is told about an error.
type verdict struct {
	err      error
	status   int
	sentence string // "": the error's own text is written for users
}

// verdicts is the one table from errors to HTTP. The first match counts.
func verdicts() []verdict {
	return []verdict{
		{access.ErrDenied, http.StatusUnauthorized, "The login or password is wrong."},
		{access.ErrTooMany, http.StatusTooManyRequests, "Too many attempts. Wait a minute and try again."},
		{access.ErrBusy, http.StatusServiceUnavailable, "Too many people are logging in right now. Try again in a moment."},
		{access.ErrNotFound, http.StatusNotFound, "There is no such user or token."},
		{access.ErrExists, http.StatusConflict, ""},
		{access.ErrRole, http.StatusUnprocessableEntity, ""},
		{access.ErrInvalid, http.StatusUnprocessableEntity, ""},
		{errCursor, http.StatusUnprocessableEntity, "query.cursor: is not of this list; take next of the page before."},
		{declare.ErrStale, http.StatusPreconditionFailed, ""},
		{tickets.ErrNotFound, http.StatusNotFound, ""},
		{tickets.ErrConflict, http.StatusConflict, ""},
		{tickets.ErrInvalid, http.StatusUnprocessableEntity, ""},
		{recalls.ErrNotFound, http.StatusNotFound, ""},
		{recalls.ErrConflict, http.StatusConflict, ""},
		{recalls.ErrInvalid, http.StatusUnprocessableEntity, ""},
		{crm.ErrNotFound, http.StatusNotFound, "There is no such customer."},
		{ingest.ErrNotQuarantined, http.StatusNotFound, "There is no such message, replay or unclaimed device."},
		{views.ErrTrace, http.StatusUnprocessableEntity, "A trace is a position in the log such as p3/10293/17: partition, sequence and report."},
		{views.ErrCursor, http.StatusUnprocessableEntity, "query.cursor: is not of this list; take next of the page before."},
		{devices.ErrUnknown, http.StatusNotFound, "There is no such device."},
		{errNoBacktest, http.StatusNotFound, "There is no such backtest here. Results are kept for an hour, by the node that was asked."},
		{errBacktestsFull, http.StatusServiceUnavailable, fmt.Sprintf("%d backtests wait already. Try again when one has ended.", backtestQueue)},
		{history.ErrAway, http.StatusServiceUnavailable, "The store of readings does not answer. Alarms and tickets go on without it; /readyz and telltale history status say more."},
		{context.DeadlineExceeded, http.StatusServiceUnavailable, "The answer took too long. Try again, or ask for less."},
	}
}

// judge returns what a client is told about err, and logs the cause when the
// fault is ours. It is the only place where errors become statuses.
func (s *Server) judge(r context.Context, err error) (status int, sentence string) {
	for _, v := range verdicts() {
		if !errors.Is(err, v.err) {
			continue
		}
		return v.status, cmp.Or(v.sentence, sentenceOf(err))
	}
	if r.Err() != nil {
		// The client went away; nobody reads this and nothing is broken.
		return http.StatusServiceUnavailable, "The request was given up."
	}
	s.log.Error("request not answered", zap.Error(err))
	return http.StatusInternalServerError, internalSentence
}

// sentenceOf returns what an error says to people: the sentence of a refusal,
// without what was being done when it came about.
func sentenceOf(err error) string {
	var ticket *tickets.Refusal
	var recall *recalls.Refusal
	var stale *declare.StaleError
	switch {
	case errors.As(err, &stale):
		return sentence(stale.Error())
	case errors.As(err, &ticket):
		return ticket.Sentence
	case errors.As(err, &recall):
		return recall.Sentence
	}
	return err.Error()
}

// asInvalid turns the answer that something named in a request's body does
// not exist into one that says where it was named.
func asInvalid(err error, location string, value any) error {
	for _, v := range verdicts() {
		if errors.Is(err, v.err) && v.status == http.StatusNotFound {
			return invalid(location, cmp.Or(v.sentence, sentenceOf(err)), value)
		}
	}
	return err
}

// problem turns err into what huma answers. Errors that have a status already
// were made by the API layer itself and pass.
func (s *Server) problem(ctx context.Context, err error) error {
	var ready huma.StatusError
	if errors.As(err, &ready) {
		return err
	}
	status, sentence := s.judge(ctx, err)
	return &huma.ErrorModel{Title: http.StatusText(status), Status: status, Detail: sentence}
}

// writeProblem answers outside huma's routes.
func writeProblem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail,
	})
}
