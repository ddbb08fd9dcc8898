// Package gatewaytest is what tests that run a whole gateway, or a server beside
// one, have in common: where it may listen, and how to wait for what it does.
//
// They wait for what can be seen from outside, such as a metric, a row or a
// page, and ask for it again and again, since nobody tells them of it.
package gatewaytest
