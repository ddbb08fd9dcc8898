// Package influxtest runs a real InfluxDB 1.8.10 for tests.
//
//	deploy/build-influxd.sh --once--> influxd
//	Start(t) --> influxd in a folder of the test's own, on free loopback ports
//
// Each server is the test's: it may be killed and started again on the same
// address and data, and it ends with the test. A test that only needs a place
// to write asks for a database of its own with [Server.Database].
package influxtest
