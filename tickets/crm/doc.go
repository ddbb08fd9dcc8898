// Package crm describes who owns devices and receives goods: customers and
// the people there.
//
//	declarations --Customer--> tickets (whose fault it is, whom to tell)
//
// It holds declarations only. Who owned a device when a fault was observed is
// the store's to say; how an account is found in a CRM is in its
// [Customer.Record].
//
// Start reading at [Customer].
package crm
