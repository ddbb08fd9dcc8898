package influx_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"telltale/devices"
	"telltale/ingest/history"
	"telltale/ingest/history/influx"
	"telltale/ingest/history/influxtest"
)

// TestKillingInfluxDBInTheMiddleOfWritingLosesAndDoublesNothing runs a writer
// from a log while its server is killed and started again and again.
func TestKillingInfluxDBInTheMiddleOfWritingLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	server := influxtest.Start(t, influxtest.Options{})
	bucket := server.Database()
	const kills, messagesPerKill, perMessage = 3, 60, 20
	const last = (kills + 1) * messagesPerKill
	l := &ledger{}
	store := open(t, server, influx.Options{Bucket: bucket}, l)
	log := &steadyLog{last: last, perMessage: perMessage, reached: make(chan uint64, last)}
	writer, err := history.NewWriter(store, log, leases{l}, history.Options{
		Node: "node", Partitions: 1, MaxReadings: 2 * perMessage, MaxWait: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := writer.Run(ctx); err != nil {
			t.Errorf("writer: %v", err)
		}
	})
	for seq := range log.reached { // each as it was read from the log
		if seq%messagesPerKill == 0 && seq < last {
			server.Kill()
			server.Restart()
		}
		if seq == last {
			break
		}
	}
	eventually(t, func() bool { seq, _ := l.Position(t.Context(), 0); return seq == last })
	cancel()
	running.Wait()

	points, err := store.RawPoints(t.Context(), "d", "n", start(), start().Add(24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if len(points) != last*perMessage {
		t.Fatalf("%d readings after %d kills, want %d", len(points), kills, last*perMessage)
	}
	for i, p := range points {
		if p.Value != devices.Number(float64(i)) {
			t.Fatalf("reading %d is %v", i, p)
		}
	}
	if len(l.refused) != 0 {
		t.Errorf("refused %v, want nothing", l.refused)
	}
}

// steadyLog has one partition with numbered readings.
type steadyLog struct {
	last       uint64
	perMessage int
	reached    chan uint64 // has room for all
	read       atomic.Uint64
}

func (s *steadyLog) Read(_ context.Context, _ int, after uint64) (history.Reader, error) {
	return &steadyReader{log: s, seq: after}, nil
}

type steadyReader struct {
	log *steadyLog
	seq uint64
}

func (r *steadyReader) Next(ctx context.Context) (uint64, []devices.Report, error) {
	if r.seq == r.log.last {
		<-ctx.Done()
		return 0, nil, ctx.Err()
	}
	reports := make([]devices.Report, r.log.perMessage)
	for i := range reports {
		n := int(r.seq)*r.log.perMessage + i
		reports[i] = reportAt("d", n, number("n", float64(n)))
	}
	r.seq++
	if r.seq > r.log.read.Load() {
		r.log.read.Store(r.seq)
		r.log.reached <- r.seq
	}
	return r.seq, reports, nil
}

func (r *steadyReader) Close() {}

// leases always gives the one lease there is.
type leases struct{ l *ledger }

func (l leases) AcquireLease(context.Context, string, int, string, time.Duration) (int64, bool, error) {
	return l.l.acquire(), true, nil
}

func (l leases) RenewLease(context.Context, string, int, int64, time.Duration) error { return nil }

func (l leases) ReleaseLease(context.Context, string, int, int64) error { return nil }

func eventually(t *testing.T, what func() bool) {
	t.Helper()
	limit := time.After(time.Minute)
	for !what() {
		select {
		case <-limit:
			t.Fatal("not after a minute")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestWhileInfluxDBIsAwayNothingIsGivenUp(t *testing.T) {
	t.Parallel()
	server := influxtest.Start(t, influxtest.Options{})
	l := &ledger{}
	store := open(t, server, influx.Options{Bucket: server.Database()}, l)
	chunk := history.Chunk{Epoch: l.acquire(), Seq: 1, Reports: []devices.Report{reportAt("a", 0, number("t", 1))}}
	server.Kill()

	_, err := store.Write(t.Context(), []history.Chunk{chunk})
	for what, err := range map[string]error{"write": err, "ready": store.Ready(t.Context())} {
		if err == nil || !strings.Contains(err.Error(), "reach InfluxDB at "+server.URL) {
			t.Errorf("%s: %v, want that InfluxDB is not reached", what, err)
		}
	}
	if _, err := store.Range(t.Context(), history.Query{Device: "a", Metric: "t", From: start(), To: start().Add(time.Hour)}); err == nil {
		t.Error("a query without a server gave an answer")
	}
	server.Restart()
	if _, err := store.Write(t.Context(), []history.Chunk{chunk}); err != nil {
		t.Errorf("after it came back: %v", err)
	}
	if err := store.Ready(t.Context()); err != nil {
		t.Errorf("ready after it came back: %v", err)
	}
	if len(l.refused) != 0 || l.positions[0] != 1 {
		t.Errorf("refused %v, position %d", l.refused, l.positions[0])
	}
}

// The answers of other servers and of proxies, in their recorded shapes.
func TestAnswersThatMeanLaterAndAnswersThatMeanNever(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		status     int
		header     http.Header
		body       string
		refused    bool
		retryAfter time.Duration
	}{
		{"too many requests", 429, http.Header{"Retry-After": {"7"}}, ``, false, 7 * time.Second},
		{"overloaded", 503, nil, `{"code":"unavailable","message":"busy"}`, false, 0},
		{"a server's own fault", 500, nil, `{"code":"internal error","message":"partial write: engine is closed"}`, false, 0},
		{"a proxy's page", 502, http.Header{"Content-Type": {"text/html"}}, `<html>bad gateway</html>`, false, 0},
		{"a request that is wrong as a whole", 400, nil, `{"code":"invalid","message":"invalid precision"}`, false, 0},
		{"2.x: a type conflict", 422, nil, `{"code":"unprocessable entity","message":"failure writing points to database: partial write: field type conflict: input field \"t\" on measurement \"readings\" is type float, already exists as type integer dropped=1"}`, true, 0},
		{"2.x: beyond retention", 422, nil, `{"code":"unprocessable entity","message":"failure writing points to database: partial write: points beyond retention policy dropped=1"}`, true, 0},
		{"3: its text is where the client does not look", 400, nil, `{"error":"partial write of line protocol occurred","data":[{"error_message":"invalid column type","line_number":1}]}`, true, 0},
		{"too large for the server, though it is one reading", 413, nil, `{"code":"request too large","message":"too large"}`, true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				for key, values := range c.header {
					w.Header()[key] = values
				}
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			}))
			t.Cleanup(server.Close)
			l := &ledger{}
			store, err := influx.New(influx.Options{URL: server.URL, Bucket: "b"}, l)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(store.Close)
			_, err = store.Write(t.Context(), []history.Chunk{{Epoch: l.acquire(), Seq: 1, Reports: []devices.Report{reportAt("a", 0, number("t", 1))}}})
			if (err == nil) != c.refused || (len(l.refused) == 1) != c.refused {
				t.Errorf("error %v, refused %v", err, l.refused)
			}
			var later *history.LaterError
			if errors.As(err, &later); (later != nil) != (c.retryAfter > 0) || later != nil && later.After != c.retryAfter {
				t.Errorf("asks for %+v, want %s", later, c.retryAfter)
			}
		})
	}
}

// A proxy that takes no more than so many bytes at once.
func TestRequestsThatAreTooLargeAreSplit(t *testing.T) {
	t.Parallel()
	var taken atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > 2_000 {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		taken.Add(r.ContentLength)
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(server.Close)
	l := &ledger{}
	store, err := influx.New(influx.Options{URL: server.URL, Bucket: "b"}, l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	var reports []devices.Report
	for i := range 1000 {
		reports = append(reports, reportAt("a", i, number("t", 1)))
	}
	reports = append(reports, reportAt("a", 1000, label("essay", strings.Repeat("x", 3_000))))
	written, err := store.Write(t.Context(), []history.Chunk{{Epoch: l.acquire(), Seq: 1, Reports: reports}})
	if err != nil || written.Stored != 1000 || written.Refused != 1 {
		t.Errorf("written %+v, %v, want 1000 stored and the essay refused", written, err)
	}
	if line := int64(len("readings,device=a t=1 1763294400000000\n")); taken.Load() != 1000*line {
		t.Errorf("%d bytes taken, want %d", taken.Load(), 1000*line)
	}
}

func TestTheLanguageOfAServerIsFoundOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		status   int
		mime     string
		body     string
		language string
		want     string // of the error; "": none
	}{
		{"1.8 with Flux off", 403, "text/plain", "Flux query service disabled. Verify flux-enabled=true", "InfluxQL", ""},
		{"3 has no such path", 404, "text/plain", "", "InfluxQL", ""},
		{"a server that takes no POST there", 405, "text/plain", "", "InfluxQL", ""},
		{"2.x without the organisation", 404, "application/json", `{"code":"not found","message":"organization name \"o\" not found"}`, "unknown", "organization name"},
		{"2.x with a token that may not read", 403, "application/json", `{"code":"forbidden","message":"insufficient permissions"}`, "unknown", "does not accept the token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			mux := http.NewServeMux()
			mux.HandleFunc("/api/v2/query", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.mime)
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			})
			mux.HandleFunc("/query", func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"results":[{"statement_id":0,"series":[{"name":"readings","columns":["time","t"],"values":[[%d,4.5]]}]}]}`, start().UnixMicro())
			})
			server := httptest.NewServer(mux)
			t.Cleanup(server.Close)
			store, err := influx.New(influx.Options{URL: server.URL, Bucket: "b"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(store.Close)
			for range 2 { // the second time it is known
				buckets, err := store.Range(t.Context(), history.Query{Device: "a", Metric: "t", From: start(), To: start().Add(time.Hour)})
				if c.want == "" && (err != nil || len(buckets) != 1 || buckets[0].Avg != 4.5) {
					t.Errorf("%v, %v", buckets, err)
				}
				if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("error %v, want %q", err, c.want)
				}
			}
			if got := store.Language(); got != c.language {
				t.Errorf("asked in %s, want %s", got, c.language)
			}
		})
	}
}

func walkEndsWithItsCaller(t *testing.T, server *influxtest.Server) {
	db := server.Database()
	store := open(t, server, influx.Options{Bucket: db}, nil)
	server.Write(db, fmt.Sprintf("readings,device=a t=1 %d", start().UnixMicro()))
	enough := errors.New("the other side is full")
	err := store.Walk(t.Context(), "", start().Add(-time.Hour), start().Add(time.Hour), func([]devices.Report) error { return enough })
	if !errors.Is(err, enough) || strings.Contains(err.Error(), "reach InfluxDB") {
		t.Errorf("error %v, want the caller's own", err)
	}
}

func TestAnswersThatAreNoneAreErrors(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"results":[{"error":"query interrupted"}]}`, `{"error":"no"}`, `{"results":[{"series":[{"columns":["time"],"values":[[1,2]]}]}]}`,
		`{"results":[{"series":[{"columns":[],"values":[[]]}]}]}`, `{"results":`, `<html>`, `{"results":[{"series":[{"values":[["x"]]}]}]}`,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/query" {
				http.NotFound(w, r)
				return
			}
			fmt.Fprint(w, body)
		}))
		store, err := influx.New(influx.Options{URL: server.URL, Bucket: "b"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if points, err := store.RawPoints(t.Context(), "a", "t", start(), start().Add(time.Hour)); err == nil {
			t.Errorf("%s: %v and no error", body, points)
		}
		store.Close()
		server.Close()
	}
}
