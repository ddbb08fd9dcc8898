package tracingtest

import (
	"compress/gzip"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	"google.golang.org/protobuf/proto"
)

// Span is a span as it arrived.
type Span struct {
	Name                string
	Trace, ID, Parent   string // in hex; Parent "": a root
	Start, End          time.Time
	About               map[string]string // its attributes that are texts
	Happened            []string          // names of its events
	Fault               string            // its status, when that is an error
	Service, Node, Kind string
}

// Collector takes spans. Its methods are safe for concurrent use.
type Collector struct {
	t       testing.TB
	address string
	changed chan struct{} // capacity 1: a request came

	mu     sync.Mutex
	status int
	spans  []Span
}

// New returns a collector that does not listen yet.
func New(t testing.TB) *Collector {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return &Collector{t: t, address: listener.Addr().String(), changed: make(chan struct{}, 1), status: http.StatusOK}
}

// URL is where the collector takes spans, or will.
func (c *Collector) URL() string { return "http://" + c.address + "/v1/traces" }

// Listen begins to take spans, until the end of the test.
func (c *Collector) Listen() *Collector {
	c.t.Helper()
	listener, err := net.Listen("tcp", c.address)
	if err != nil {
		c.t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(c.take), ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	c.t.Cleanup(func() { _ = server.Close(); <-ended })
	return c
}

// Answer makes the collector answer with a status from now on; it keeps what it
// is sent only with 200.
func (c *Collector) Answer(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = status
}

// Await returns the spans that have come as soon as enough reports true of them,
// or fails the test.
func (c *Collector) Await(what string, enough func([]Span) bool) []Span {
	c.t.Helper()
	deadline := time.After(time.Minute)
	for {
		if spans := c.Spans(); enough(spans) {
			return spans
		}
		select {
		case <-c.changed:
		case <-deadline:
			c.t.Fatalf("waited in vain for %s, got %+v", what, c.Spans())
		}
	}
}

// Spans returns what has come.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Span(nil), c.spans...)
}

func (c *Collector) take(w http.ResponseWriter, r *http.Request) {
	defer func() {
		select {
		case c.changed <- struct{}{}:
		default:
		}
	}()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.status != http.StatusOK {
		w.WriteHeader(c.status)
		return
	}
	request, err := read(r)
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		c.t.Errorf("not a request of OTLP: %s %s %s: %v", r.Method, r.URL, r.Header.Get("Content-Type"), err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.keep(request)
	answer, err := proto.Marshal(&collector.ExportTraceServiceResponse{})
	if err != nil {
		c.t.Error(err)
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(answer)
}

func read(r *http.Request) (*collector.ExportTraceServiceRequest, error) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, err
		}
		body = unzipped
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	request := new(collector.ExportTraceServiceRequest)
	return request, proto.Unmarshal(text, request)
}

func (c *Collector) keep(request *collector.ExportTraceServiceRequest) {
	for _, of := range request.ResourceSpans {
		gateway := texts(of.Resource.Attributes)
		for _, scope := range of.ScopeSpans {
			for _, s := range scope.Spans {
				span := Span{
					Name: s.Name, Trace: hex.EncodeToString(s.TraceId), ID: hex.EncodeToString(s.SpanId), Parent: hex.EncodeToString(s.ParentSpanId),
					Start: time.Unix(0, int64(s.StartTimeUnixNano)).UTC(), End: time.Unix(0, int64(s.EndTimeUnixNano)).UTC(),
					About: texts(s.Attributes), Service: gateway["service.name"], Node: gateway["service.instance.id"], Kind: s.Kind.String(),
				}
				for _, e := range s.Events {
					span.Happened = append(span.Happened, e.Name)
				}
				if s.Status.GetCode() != 0 {
					span.Fault = s.Status.GetMessage()
				}
				c.spans = append(c.spans, span)
			}
		}
	}
}

func texts(attributes []*common.KeyValue) map[string]string {
	m := make(map[string]string)
	for _, a := range attributes {
		if text, ok := a.Value.Value.(*common.AnyValue_StringValue); ok {
			m[a.Key] = text.StringValue
		}
	}
	return m
}
