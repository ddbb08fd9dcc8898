// Package console is the face of the gateway: web pages for people, a REST
// API for programs, and an event stream for both.
//
//	browser --cookie--> pages ----+
//	program --bearer--> /api/v1 --+--> access.Gate --> Deps (store, desks)
//	either  -----------> /events -+<-- feed <-- events table
//
// Everything it knows it asks of the small interfaces in [Deps]; it holds no
// store and no state but the position of the event feed. What a page does and
// what the API does are the same calls on the same interfaces, guarded by the
// same table of roles.
//
// It promises that a request without permission changes and reveals nothing;
// that unknown parameters and fields are refused by name; that a POST with an
// Idempotency-Key happens once; that a client of the event stream that comes
// back with the last id it saw misses nothing and sees nothing twice; and
// that causes of internal errors go to the log, never to the client.
//
// Start reading at server.go, then auth.go, then api.go.
package console
