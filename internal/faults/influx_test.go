package faults

import (
	"strings"
	"testing"

	"telltale/ingest/history/influx"
	"telltale/ingest/history/influxtest"
)

// influxServer is an InfluxDB outside the gateway, with the link to it.
type influxServer struct {
	*influxtest.Server
	bucket string
	link   *link
}

func newInflux(t testing.TB) *influxServer {
	t.Helper()
	s := &influxServer{Server: influxtest.Start(t, influxtest.Options{})}
	s.bucket = s.Database()
	s.link = newLink(t, "tcp", strings.TrimPrefix(s.URL, "http://"))
	return s
}

// open returns the readings, past the link. The caller closes it.
func (s *influxServer) open(t testing.TB) *influx.Store {
	t.Helper()
	store, err := influx.New(influx.Options{URL: s.URL, Bucket: s.bucket}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return store
}
