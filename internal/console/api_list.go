package console

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// Stretch is what every list understands. The defaults are in the tags, where
// the description of the API gets them from.
type Stretch struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"how many items at most"`
	Cursor string `query:"cursor" maxLength:"512" doc:"next of the page before"`
}

// list is the answer of every list.
type list[T any] struct {
	Body struct {
		Items []T    `json:"items"`
		Next  string `json:"next" doc:"cursor of the next page; empty at the end"`
	}
}

// page cuts rows, of which one more than the limit was asked for, to the
// limit. Key names the last row for the cursor.
func page[R, T any](kind string, rows []R, limit int, show func(R) T, key func(R) []string) *list[T] {
	out := &list[T]{}
	more := len(rows) > limit
	if more {
		rows = rows[:limit]
		out.Body.Next = cursor(kind, key(rows[limit-1])...)
	}
	out.Body.Items = make([]T, len(rows))
	for i, row := range rows {
		out.Body.Items[i] = show(row)
	}
	return out
}

// whole is the answer of a list that always fits.
func whole[R, T any](rows []R, show func(R) T) *list[T] {
	return page("", rows, math.MaxInt, show, nil)
}

// errCursor answers a cursor that is not of the list it was sent to.
var errCursor = errors.New("console: not a cursor of this list")

// cursor packs the kind of list and the key of its last row into a text that
// clients hand back and do not read.
func cursor(kind string, key ...string) string {
	packed, _ := json.Marshal(append([]string{kind}, key...)) // strings always can be
	return base64.RawURLEncoding.EncodeToString(packed)
}

// parseCursor returns the key of n parts in a cursor; nil at the beginning of
// the list.
func parseCursor(kind, text string, n int) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	packed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, errCursor
	}
	var parts []string
	if err := json.Unmarshal(packed, &parts); err != nil || len(parts) != n+1 || parts[0] != kind {
		return nil, errCursor
	}
	for _, part := range parts[1:] {
		if part == "" || !storable(part) {
			return nil, errCursor
		}
	}
	return parts[1:], nil
}

// invalid is a refusal that names a place in the request.
func invalid(location, message string, value any) error {
	return huma.NewError(http.StatusUnprocessableEntity, "validation failed",
		&huma.ErrorDetail{Location: location, Message: message, Value: value})
}

// orNull returns nil for the zero value: JSON has null for what is not there.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
