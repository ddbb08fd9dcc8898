// Package app joins all parts into one gateway, in the order data flows, and
// takes them apart in the same order.
//
//	cluster, log --> declarations --> pipeline --> broker | subscriber
//	                                     |
//	                                    log --> rule workers --> tickets, recalls, outbox
//	                                       \--> history writer, quarantine keeper
//	                                                       console, dispatcher, janitor
//
// [New] opens what must be there before anything moves (database, log,
// declarations) and builds the rest; [App.Run] runs all loops until its
// context ends and then stops with the data: first the doors, then the
// workers, then the stores. It is the only package that knows everybody;
// nobody but cmd/telltale imports it.
//
// Start reading at [New]; the assertions at its top are the wiring at a glance.
package app
