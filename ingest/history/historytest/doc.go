// Package historytest says what every reading history has to do, as one test
// that is run against each of them.
package historytest
