package recalls

import (
	"fmt"
	"strconv"
	"strings"
)

// RecallID returns the id of the recall with the number: "R-0007".
func RecallID(number int64) string { return fmt.Sprintf("R-%04d", number) }

// HoldID returns the id of the hold with the number: "H-0012".
func HoldID(number int64) string { return fmt.Sprintf("H-%04d", number) }

// RecallNumber returns the number in a recall's id, and false for anything
// that [RecallID] does not write.
func RecallNumber(id string) (int64, bool) { return numberIn(id, "R-", RecallID) }

// HoldNumber returns the number in a hold's id, and false for anything that
// [HoldID] does not write.
func HoldNumber(id string) (int64, bool) { return numberIn(id, "H-", HoldID) }

func numberIn(id, prefix string, format func(int64) string) (int64, bool) {
	number, err := strconv.ParseInt(strings.TrimPrefix(id, prefix), 10, 64)
	return number, err == nil && number > 0 && format(number) == id
}
