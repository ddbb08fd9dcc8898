package script

import "fmt"

// Error is what is wrong with a script, or what it says is wrong with a
// payload. Its sentence is meant for the script's author.
type Error struct {
	Message string `json:"message"`
	Line    int    `json:"line,omitempty"`   // of the script, from 1; 0: of no one line
	Column  int    `json:"column,omitempty"` // from 1
}

// Error returns a sentence such as
// "TypeError: Cannot read property 'x' of undefined (line 3:12 of the script)".
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("%s (line %d:%d of the script)", e.Message, e.Line, e.Column)
}
