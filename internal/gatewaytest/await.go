package gatewaytest

import (
	"testing"
	"time"
)

// Patience is how long a test waits for something that must happen. It is far
// more than it takes, so that only a fault reaches it.
const Patience = 2 * time.Minute

// look is how often it is looked whether something has happened.
const look = 20 * time.Millisecond

// Await fails the test when done does not become true.
func Await(t testing.TB, what string, done func() bool) {
	t.Helper()
	if !Eventually(look, done) {
		t.Fatalf("waited in vain for %s", what)
	}
}

// Eventually asks again and again until done reports true, and gives up after
// [Patience].
func Eventually(every time.Duration, done func() bool) bool {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	deadline := time.After(Patience)
	for !done() {
		select {
		case <-ticker.C:
		case <-deadline:
			return false
		}
	}
	return true
}
