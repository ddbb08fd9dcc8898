// Package tracing tells an OpenTelemetry collector where the time went for the
// messages that mattered.
//
//	rule workers --Decided----+
//	                          +--> spans --bounded queue--> Run --OTLP/HTTP--> collector
//	outbox ------Attempted----+
//
// Which message will raise an alarm is not known when it comes in, and most
// raise none. So nothing is measured on the way: the spans of a message are
// made at the end of it, from the times that are written down anyway. An
// ordinary message costs nothing, and a gateway without tracing has no tracer.
//
// The ids are not drawn but derived, as those in events are: the trace id is
// [outbox.TraceID] of the message's place in the log, an event's span is the one
// that its traceparent names. Whoever has a ticket's trace finds its spans, and
// what a receiver of webhooks traces itself hangs below.
//
//	message                  received ............................ committed
//	  store                  received .. stored
//	  decide                          stored .. decided
//	  commit                                    decided .......... committed
//	    ticket.opened                                   transaction ........
//	      deliver help desk                                                  one for each attempt
//
// Nobody waits for the collector: what finds the queue full, or is refused, is
// dropped and counted. Start reading at [Tracer.Decided].
package tracing
