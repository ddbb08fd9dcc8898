// Package postgres is the store: every line of SQL, the schema's migrations,
// and the private server that Telltale runs when it is given none.
package postgres
