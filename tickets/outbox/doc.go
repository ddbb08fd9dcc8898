// Package outbox tells other systems what has happened here.
//
//	change + Event --one transaction--> store --claim--> Dispatcher --Send--> Webhook
//	                                      ^---settle-----------+
//
// An [Event] is stored in the transaction of the change it announces, with
// one [Delivery] for each destination that wants its type. The [Dispatcher]
// claims deliveries under a lease, sends them and settles what became of them.
//
// The promises. Every delivery is sent at least once: one that was claimed by
// a process that died is claimed again when its lease is over, and sent with
// the same id, so a receiver that keeps ids sees each event exactly once.
// Events of one ordering key (a ticket, a recall) reach a destination in the
// order they were stored; an unsent one holds back the later ones of its key
// and nothing else. A destination that is down is left alone by a circuit
// breaker and never stops another. Only what a destination keeps refusing (see
// [Policy]) is given up, and stays in the table as discarded, with the reason.
//
// The package keeps nothing in memory but the breakers.
//
// Start reading at [Dispatcher.Run], then policy.go, then webhook.go.
package outbox
