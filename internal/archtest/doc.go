// Package archtest holds the import law of docs/design.md as a test: data runs
// from devices to people, imports run the other way, and each third party is
// known to one place only. A new package must be added to the law before the
// test passes, together with a decision record that says why it exists.
package archtest
