// Package sparkplug reads and writes the wire format of Sparkplug B, version
// 3.0: topics, the protobuf payload and its values.
//
//	topic --ParseTopic--> Topic --> device id
//	bytes --Parse--> Payload --> Metric --Reading--> devices.Value
//
// The payload is read by hand over protowire, for of its many fields few carry
// telemetry. What a reading cannot hold (bytes, data sets, templates, property
// sets, arrays) is told apart and skipped by whoever asks, never an error.
// Payloads compressed with GZIP or DEFLATE are read as if they were not.
//
// The package keeps no state: which metric an alias means, and whether a
// message is missing, is the business of codec.Sparkplug. Memory is bounded by
// [MaxInflated] and [MaxMetrics], whatever the bytes are. Everything here is
// safe for concurrent use.
//
// Start reading at [Parse].
package sparkplug
