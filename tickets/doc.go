// Package tickets turns alarm transitions into work for people.
//
//	rules --Transition--> Desk.Handle --+--> alarms, tickets, timeline --+
//	people --comment, solve, shelve...--+                                +--> Store: one transaction
//	                                    +--> events for tickets/outbox --+
//
// A raised alarm of a live rule opens one ticket for the customer who owned
// the device when the fault was observed; until that ticket is solved, further
// alarms of the same rule on the same device join it. When the last alarm of a
// ticket has ended, the ticket is solved by itself, unless a person has taken
// it over. An alarm that something held back is kept beside them, as a
// [HeldAlarm]. What people do enters here too, so there is one place that decides
// what may happen to a ticket: [next], drawn in docs/ticket-life-cycle.md.
//
// The promises. Handle has effects once: the same transitions again change
// nothing. There is at most one open alarm per rule and subject, and one
// unsolved ticket per rule, subject and customer; the store's unique indexes
// hold that, not this package's care. Every change writes a line into the
// timeline that says why. A closed ticket has no open alarm.
//
// Decisions are made on a [book], which holds what was loaded and what has
// changed, and are pure: no clock, no I/O. The package sends nothing itself;
// it hands events to the store, and tickets/outbox delivers them.
//
// Start reading at [Desk.Handle], then transitions.go, then acts.go.
package tickets
