// Package script runs the payload scripts of device models: vendors' own
// JavaScript decoders, in the form of the LoRa Alliance's TS013.
//
//	bytes, port --Runner.Decode--> worker process --JSON--> {"temperature": 4.2}
//
// A script is somebody else's program, so it runs in a process of its own: this
// binary started again, which does nothing but [Work]. There it is cut off
// after [Options].Limit of processor time; and what the interpreter cannot
// interrupt, such as a regular expression without end or an array of a
// thousand million, costs the worker its life and nobody else's: it ends after
// another second, or at 256 MiB of memory above what it started with (Linux; elsewhere
// only time bounds it). A script that cost a worker its life is not run again
// for a minute. At most [Options].Workers of them run at once, so that is also
// the bound of all memory and processors that scripts can take.
//
// A script sees the payload, the port, the time of receipt and its device's
// variables. There is no file, network, environment, module or timer; the clock
// says the time of receipt, the random numbers are the same every time, and
// each message meets a fresh world: nothing is kept from one to the next, so
// nothing of one device can show up at another, and the same message decodes
// to the same values when it is replayed.
//
// A [Runner] is safe for concurrent use. Nothing is started before the first
// script.
//
// Start reading at [Runner], then interpreter.go.
package script
