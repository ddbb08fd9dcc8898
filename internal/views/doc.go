// Package views holds what the console's pages list: rows that join several
// aggregates, and the questions that select them.
//
//	page --Query--> store (internal/postgres) --Page of rows--> page
//
// A row is a read model: it is never changed or written back, and a page
// shows it as it is. What a page changes goes through the desks. The package
// exists so that neither the store nor the console imports the other.
//
// Start reading at [TicketQuery] and [TicketRow]; the others follow suit.
package views
