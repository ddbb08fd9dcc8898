package declare

import (
	"fmt"
	"strings"
)

// gtinLength is that of the longest form; the shorter ones are padded with
// zeros on the left, which names the same item (GS1 General Specifications,
// section 3.3.2).
const gtinLength = 14

// parseGTIN checks a GTIN-8, -12, -13 or -14 and returns it with 14 digits,
// so that one item has one name in all shipments.
func parseGTIN(text string) (string, error) {
	if strings.Trim(text, "0123456789") != "" {
		return "", fmt.Errorf("GTIN %q has other signs than digits", text)
	}
	switch len(text) {
	case 8, 12, 13, 14:
	default:
		return "", fmt.Errorf("GTIN %q has %d digits; it must have 8, 12, 13 or 14", text, len(text))
	}
	padded := strings.Repeat("0", gtinLength-len(text)) + text
	if want := checkDigit(padded[:gtinLength-1]); padded[gtinLength-1] != want {
		return "", fmt.Errorf("GTIN %q ends in %c, but its check digit is %c", text, padded[gtinLength-1], want)
	}
	return padded, nil
}

// checkDigit computes the last digit of a GTIN: counted from the right, the
// digits weigh 3, 1, 3, 1, ..., and the sum with the check digit is a multiple
// of ten.
func checkDigit(digits string) byte {
	sum := 0
	for i := range len(digits) {
		weight := 1
		if (len(digits)-i)%2 == 1 {
			weight = 3
		}
		sum += weight * int(digits[i]-'0')
	}
	return byte('0' + (10-sum%10)%10)
}
