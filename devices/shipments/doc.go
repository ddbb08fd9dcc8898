// Package shipments describes what travels under temperature control: which
// lots, to whom, watched by which loggers, under which storage profile.
//
// It holds declarations only. The arithmetic that turns a trace into a
// verdict is in rules/excursion; what people do about it in tickets/recalls.
//
// Start reading at [Shipment], then [StorageProfile].
package shipments
