// Package loggerfile reads what loggers without a connection wrote into files:
// readings to be stored late, and the alarms that the logger itself noted.
//
//	bytes --Read--> Entry: a Reading, or an Alarm
//
// The formats are "csv" (time, device, metric, value) and "fridgetag", the text
// report of a Fridge-tag vaccine logger. Every entry has the number of its
// line. A line that cannot be read is a [*LineError] and the next one follows;
// a file that is none of the format ends with the first error.
//
// Nothing is judged here: which devices exist and which values are believed is
// the ingest pipeline's work. A file is read as a stream; memory is bounded by
// the longest line, at most [MaxLine].
//
// Start reading at [Read].
package loggerfile
