// Package tracingtest has a collector of spans for tests: a server that takes
// OTLP over HTTP as real ones do, and keeps what it was sent.
//
//	gateway --OTLP/HTTP--> Collector --Spans--> test
//
// It decodes the requests by the published protocol and knows nothing of how
// the gateway makes them. A test may have it refuse, or be away. It is for tests
// only.
package tracingtest
