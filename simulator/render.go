package simulator

import (
	"bytes"
	"fmt"
	"regexp"
	"time"
)

// templateTime is "{{start}}", "{{start+90m}}" or "{{start-240h}}".
var templateTime = regexp.MustCompile(`\{\{start(?:([+-])([^{}]*))?\}\}`)

// Render replaces the template times in declarations: {{start}} is the
// simulated time at which the scenario starts, {{start+2h}} two hours after.
// Every other {{...}} is left alone. Lines stay where they are, so errors in
// the result point at the right line of the template.
func Render(text []byte, start time.Time) ([]byte, error) {
	var fault error
	rendered := templateTime.ReplaceAllFunc(text, func(match []byte) []byte {
		parts := templateTime.FindSubmatch(match)
		at := start
		if len(parts[1]) > 0 {
			offset, err := time.ParseDuration(string(parts[1]) + string(parts[2]))
			if err != nil && fault == nil {
				line := 1 + bytes.Count(text[:bytes.Index(text, match)], []byte("\n"))
				fault = fmt.Errorf("line %d: %s is not a time (write {{start+2h30m}})", line, match)
			}
			at = start.Add(offset)
		}
		return []byte(at.UTC().Truncate(time.Second).Format(time.RFC3339))
	})
	if fault != nil {
		return nil, fault
	}
	return rendered, nil
}
