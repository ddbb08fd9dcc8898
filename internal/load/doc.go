// Package load publishes telemetry as fast as a broker takes it, or at a
// given rate, and measures how long acknowledgements take.
//
//	Run --connections--> broker
//	      |  PUBLISH QoS 1, up to Window unacknowledged each
//	      +- PUBACK --> Report: rate, percentiles
//
// It is the other side of the figures in docs/benchmarks, so it must cost
// little itself: it speaks the few MQTT 3.1.1 packets it needs, without a
// client library, one goroutine writes what is due for all connections, and
// others wake only for acknowledgements. With a rate, a message is due by that
// alone: one that had to wait, for the broker or for this process, is not
// measured as if it had been sent later. How late messages were sent is
// reported beside, and what is due in the warm-up is not measured. It is no
// example of a device; devices are in the simulator.
//
// Start reading at [Run].
package load
