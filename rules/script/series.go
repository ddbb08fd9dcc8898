package script

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"telltale/devices"
)

// maxSteps bounds how long a series may be: a year of minutes and more.
const maxSteps = 1_000_000

// step is one word of a series, repeated: a value, or nothing.
type step struct {
	word    string // without quotes; meaningless when silent
	quoted  bool
	silent  bool // _: no reading
	repeats int

	first, ramp float64 // 4+0.2x10 begins with 4, and each value is 0.2 above the one before; ramp 0: none

	onRamp bool // a step of a ramp that was written out, and its value
	at     float64
}

// parseSteps reads "4x5 9.5 _x3 4+0.2x10 \"eco x2\"x4": words, each with how
// often it comes.
func parseSteps(text string) ([]step, error) {
	var steps []step
	total := 0
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		one, after, err := nextStep(rest)
		if err != nil {
			return nil, err
		}
		if total += one.repeats; total > maxSteps {
			return nil, fmt.Errorf("the series is longer than %d steps", maxSteps)
		}
		steps, rest = append(steps, one), after
	}
	return steps, nil
}

// nextStep reads one word and its count off the front of a text.
func nextStep(text string) (one step, rest string, err error) {
	if text[0] == '"' {
		end := strings.IndexByte(text[1:], '"')
		if end < 0 {
			return step{}, "", fmt.Errorf("%s is not closed with a quotation mark", text)
		}
		one = step{word: text[1 : 1+end], quoted: true, repeats: 1}
		tail, after := cutSpace(text[end+2:])
		if one.word == "" {
			return step{}, "", fmt.Errorf("a text cannot be empty")
		}
		if tail != "" {
			if one.repeats, err = parseRepeats(tail); err != nil {
				return step{}, "", err
			}
		}
		return one, after, nil
	}
	word, rest := cutSpace(text)
	one = step{word: word, repeats: 1}
	// The count is behind the last x, if what is there is a number: a fault
	// code may hold an x itself.
	if i := strings.LastIndexByte(word, 'x'); i > 0 && isDigits(word[i+1:]) {
		one.word = word[:i]
		if one.repeats, err = parseRepeats(word[i:]); err != nil {
			return step{}, "", err
		}
	}
	one.silent = one.word == "_"
	one.first, one.ramp = parseRamp(one.word)
	return one, rest, nil
}

// parseRamp reads "4+0.2" and "8-0.5" as a first value and a difference; zero
// for a word that is no two numbers.
func parseRamp(word string) (first, ramp float64) {
	if _, ok := number(word); ok {
		return 0, 0
	}
	for i := len(word) - 1; i > 0; i-- {
		if word[i] != '+' && word[i] != '-' {
			continue
		}
		first, isFirst := number(word[:i])
		ramp, isRamp := number(word[i:])
		if isFirst && isRamp {
			return first, ramp
		}
	}
	return 0, 0
}

// number reads a word as a finite number.
func number(word string) (float64, bool) {
	f, err := strconv.ParseFloat(word, 64)
	return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

// nth is the step at one of its repeats.
func (s *step) nth(n int) *step {
	if s.ramp == 0 || s.repeats == 1 { // a single 10-20 is a text
		return s
	}
	const places = 1e9 // takes off the noise of binary fractions
	at := s.first + float64(n)*s.ramp
	if rounded := math.Round(at*places) / places; math.Abs(rounded-at) < 1e-12*math.Max(1, math.Abs(at)) {
		at = rounded
	}
	return &step{word: s.word, onRamp: true, at: at, repeats: 1}
}

func cutSpace(text string) (word, rest string) {
	if i := strings.IndexAny(text, " \t\r\n"); i >= 0 {
		return text[:i], text[i:]
	}
	return text, ""
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// parseRepeats reads "x12".
func parseRepeats(text string) (int, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(text, "x"))
	if err != nil || !strings.HasPrefix(text, "x") || n < 1 || n > maxSteps {
		return 0, fmt.Errorf("%q is not a count such as x5", text)
	}
	return n, nil
}

// value reads a word as a reading's value: a number, true, false, or a text.
func (s step) value() devices.Value {
	switch {
	case s.onRamp:
		return devices.Number(s.at)
	case s.quoted:
		return devices.Label(s.word)
	}
	switch s.word {
	case "true":
		return devices.Number(1)
	case "false":
		return devices.Number(0)
	}
	if f, ok := number(s.word); ok {
		return devices.Number(f)
	}
	return devices.Label(s.word)
}

// faults reads a word as a list of codes: "none", "E21", "E21+E22".
func (s step) faults() []string {
	if s.word == "none" && !s.quoted {
		return []string{}
	}
	return strings.Split(s.word, "+")
}

// presence reads a word as what a status topic says.
func (s step) presence() devices.Presence {
	switch s.word {
	case "online":
		return devices.Online
	case "offline":
		return devices.Offline
	default:
		return devices.PresenceUnknown
	}
}

// expand writes a series out, one entry for each instant; nil is silence.
func expand(steps []step) []*step {
	var all []*step
	for i := range steps {
		for n := range steps[i].repeats {
			if steps[i].silent {
				all = append(all, nil)
			} else {
				all = append(all, steps[i].nth(n))
			}
		}
	}
	return all
}
