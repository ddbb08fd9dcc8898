package rules

import "fmt"

// Severity is how grave an alarm is.
type Severity uint8

// Severities in rising order.
const (
	Info Severity = iota
	Minor
	Major
	Critical
)

var severityNames = [...]string{"info", "minor", "major", "critical"}

// String returns the word used in declarations and the API.
func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return fmt.Sprintf("severity(%d)", uint8(s))
}

// Latches reports whether an alarm of the rule stays open until acknowledged
// once it has reached a severity.
func (r *Rule) Latches(severity Severity) bool { return r.Latch && severity >= r.LatchFrom }

// ParseSeverity reads the word that [Severity.String] writes.
func ParseSeverity(word string) (Severity, error) {
	for i, name := range severityNames {
		if name == word {
			return Severity(i), nil
		}
	}
	return 0, fmt.Errorf("unknown severity %q (info, minor, major or critical)", word)
}
