package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
)

// storable reports whether s is text that the database can be asked about:
// UTF-8 without the zero byte.
func storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// checkAddress refuses what no resource can be called and no filter can match,
// before it gets as far as a query.
func checkAddress(u *url.URL) (status int, detail string) {
	if !storable(u.Path) {
		return http.StatusNotFound, "There is no such device, ticket or other resource: the address is no text."
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return http.StatusBadRequest, fmt.Sprintf("The query cannot be read: %v.", err)
	}
	for name, values := range query {
		if len(values) > 1 {
			return http.StatusUnprocessableEntity, fmt.Sprintf("query.%s: is given %d times", name, len(values))
		}
		if !storable(name) || !storable(values[0]) {
			return http.StatusUnprocessableEntity, fmt.Sprintf("query.%s: is not text", strings.ToValidUTF8(name, "?"))
		}
	}
	return http.StatusOK, ""
}

// errNotText answers a body with a string that cannot be stored.
var errNotText = errors.New("console: a string holds a zero byte")

// jsonFormat reads and writes bodies.
func jsonFormat() huma.Format {
	format := huma.DefaultJSONFormat
	format.Unmarshal = func(data []byte, into any) error {
		if err := json.Unmarshal(data, into); err != nil {
			return fmt.Errorf("this is no JSON: %w", err)
		}
		// The body is read twice: first as a tree, to be compared with the
		// schema. That is when its texts are at hand.
		if tree, ok := into.(*any); ok && !storableTree(*tree) {
			return errNotText
		}
		return nil
	}
	return format
}

func storableTree(tree any) bool {
	switch t := tree.(type) {
	case string:
		return storable(t)
	case []any:
		for _, item := range t {
			if !storableTree(item) {
				return false
			}
		}
	case map[string]any:
		for name, item := range t {
			if !storable(name) || !storableTree(item) {
				return false
			}
		}
	}
	return true
}
