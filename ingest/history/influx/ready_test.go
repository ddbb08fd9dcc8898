package influx_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/ingest/history/influx"
	"telltale/ingest/history/influxtest"
)

func TestWhatStandsInTheWaySaysSo(t *testing.T) {
	t.Parallel()
	server := influxtest.Start(t, influxtest.Options{Auth: true})
	db := server.Database()
	server.Query("", "CREATE USER reader WITH PASSWORD 'secret'")
	server.Query("", "GRANT READ ON "+db+" TO reader")
	for _, c := range []struct {
		name       string
		opts       influx.Options
		unreadable bool // reading is refused for the same reason
		want       string
	}{
		{"a wrong token", influx.Options{Bucket: db, Token: "admin:wrong"}, true, `does not accept the token for bucket "` + db + `"; mend history.influx.token (401)`},
		{"a token that may only read", influx.Options{Bucket: db, Token: "reader:secret"}, false, `give it leave to read and write there (403)`},
		{"no token", influx.Options{Bucket: db}, true, `does not accept the token for bucket "` + db + `"; mend history.influx.token (401)`},
		{"no such bucket", influx.Options{Bucket: "nowhere", Token: influxtest.Admin}, true, `has no bucket "nowhere", or does not show it to this token; create it (1.8: CREATE DATABASE "nowhere";`},
		{"no such retention policy", influx.Options{Bucket: db + "/weeks", Token: influxtest.Admin}, false, `has no retention policy "weeks" in database "` + db + `"; create it`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := &ledger{}
			store := open(t, server, c.opts, l)
			before := store.Ready(t.Context())
			_, err := store.Write(t.Context(), []history.Chunk{{Epoch: l.acquire(), Seq: 7, Reports: []devices.Report{reportAt("a", 0, number("t", 1))}}})
			if c.unreadable {
				_, unread := store.Count(t.Context(), "a", time.Now().Add(-time.Hour), time.Now())
				if !errors.Is(unread, history.ErrAway) || !strings.Contains(unread.Error(), c.want) {
					t.Errorf("read: error %v\nwant one of a store that is away, %s", unread, c.want)
				}
			}
			for when, err := range map[string]error{"ready at first": before, "write": err, "ready afterwards": store.Ready(t.Context())} {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: error %v\nwant %s", when, err, c.want)
				}
			}
			if seq, _ := l.Position(t.Context(), 0); seq != 0 || len(l.refused) != 0 {
				t.Errorf("position %d and refused %v: what may be mended is not given up", seq, l.refused)
			}
			if strings.Contains(fmt.Sprint(err), "wrong") && c.opts.Token != "" && strings.Contains(err.Error(), c.opts.Token) {
				t.Errorf("the token shows in %v", err)
			}
		})
	}
	t.Run("the right token", func(t *testing.T) {
		t.Parallel()
		l := &ledger{}
		store := open(t, server, influx.Options{Bucket: db, Token: influxtest.Admin}, l)
		if err := store.Ready(t.Context()); err != nil {
			t.Errorf("before anything was written: %v", err)
		}
		chunk := history.Chunk{Epoch: l.acquire(), Seq: 7, Reports: []devices.Report{reportAt("a", 0, number("t", 1))}}
		if _, err := store.Write(t.Context(), []history.Chunk{chunk}); err != nil {
			t.Error(err)
		}
		if points, err := store.RawPoints(t.Context(), "a", "t", start(), start().Add(time.Second)); err != nil || len(points) != 1 {
			t.Errorf("%v, %v", points, err)
		}
	})
}

func readinessLeavesNoTrace(t *testing.T, server *influxtest.Server) {
	store := open(t, server, influx.Options{Bucket: "made_later"}, &ledger{})
	if err := store.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), `has no bucket "made_later"`) {
		t.Errorf("without its database: %v", err)
	}
	server.Query("", "CREATE DATABASE made_later")
	if err := store.Ready(t.Context()); err != nil {
		t.Errorf("with its database: %v", err)
	}
	if rows := server.Query("made_later", "SHOW MEASUREMENTS"); len(rows) != 0 {
		t.Errorf("asking wrote %v", rows)
	}
}

// The answers of other versions to a write that holds nothing, in their
// recorded shapes.
func TestOtherVersionsAreAskedWhetherTheyTakeReadings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   string // of the error; "": none
	}{
		{"2.x and 3 take it", 204, ``, ""},
		{"2.x misses points, and nothing else", 400, `{"code":"invalid","message":"writing requires points"}`, ""},
		{"2.x without the bucket", 404, `{"code":"not found","message":"bucket \"b\" not found"}`, `2.x: influx bucket create -n b`},
		{"2.x without the organisation", 404, `{"code":"not found","message":"organization name \"o\" not found"}`, `organization name "o" not found`},
		{"2.x with a token that may not write", 403, `{"code":"forbidden","message":"insufficient permissions for write"}`, "give it leave to read and write"},
		{"2.x with an unknown token", 401, `{"code":"unauthorized","message":"unauthorized access"}`, "mend history.influx.token"},
		{"something else is wrong with the request", 400, `{"code":"invalid","message":"invalid precision"}`, "answers 400"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if r.URL.Path != "/api/v2/write" || r.URL.Query().Get("bucket") != "b" || r.URL.Query().Get("org") != "o" || body[0] != '#' {
					t.Errorf("asked %s with %q", r.URL, body)
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			}))
			t.Cleanup(server.Close)
			store, err := influx.New(influx.Options{URL: server.URL, Org: "o", Bucket: "b"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(store.Close)
			err = store.Ready(t.Context())
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}
