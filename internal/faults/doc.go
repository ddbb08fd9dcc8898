// Package faults holds no code of the gateway: its tests kill, cut, fill,
// delay, duplicate and reorder what the gateway stands on, and count.
//
//	fleet --MQTT--> [link] --> gateway --[link]--> PostgreSQL, NATS, InfluxDB
//	  |                 (or Mosquitto --[link]--> gateway)      |
//	  +--- sent, acknowledged ---> account <--- stored ---------+
//
// Everything is real and a process of its own: the gateway is this test binary
// started again, so that it can be killed. A link is a TCP proxy that can fall
// silent without closing. A fleet is devices that know exactly which of their
// messages were acknowledged, and send the others again.
//
// Each fault ends with an account: what was acknowledged must be stored, each
// reading once; every alarm that follows from the readings must be there once,
// to the minute, with one ticket and one event of its own; and the log must
// hold each device's reports in the order they were made.
//
// `make test` runs each fault for seconds; `make faults` as long as
// docs/faults.md says, and writes the table there.
//
// Start reading at embedded_test.go.
package faults
