// Package ingest takes MQTT messages in and makes checked, durable reports of
// them.
//
//	device --MQTT--> Broker ------+
//	                              +--> Pipeline --> stream.Log
//	device --> broker             |    decode, identify, check, append
//	           of others --> Subscriber
//
// There are two doors and one pipeline. [Broker] is an MQTT broker in this
// process: the device's acknowledgement is ours. [Subscriber] is a client of a
// broker run by somebody else. Both hand a [Message] to the [Pipeline] and
// acknowledge it when, and only when, that says that it is synced to disk.
//
// What it promises: an acknowledged message is in the log. Nothing is dropped
// silently: a message that cannot be decoded, identified or believed goes to
// the log's quarantine, whole and with a [Reason], and is acknowledged, for it
// is safe there; every message is counted by outcome. The reports of a device
// keep the order in which it sent them. Memory is bounded: when the log is slow
// or full the queue fills, and then senders wait.
//
// Delivery is at least once. A message whose acknowledgement was lost comes
// again and is in the log twice; readers of the log know it by its device,
// metric and time.
//
// What it does not do: it knows no rules, writes no database, and keeps no
// state about devices.
//
// Start reading at [Pipeline], then broker.go and subscriber.go.
package ingest
