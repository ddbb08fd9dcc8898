package backtest

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"telltale/devices"
	"telltale/rules"
)

// Sweep tries several values in one place of one rule.
type Sweep struct {
	Rule   string    // its id; "": the only rule that has the place
	Place  string    // what stands before the number, such as "temperature >"; "for" and "clear_for" are the delays
	Values []float64 // in the unit of the number; delays in seconds
}

// SweepStep is one value of a sweep and what would have come of it.
type SweepStep struct {
	Value   float64 `json:"value"` // delays in seconds
	Text    string  `json:"text"`  // as people write it: "8", "10m"
	Unit    string  `json:"unit"`  // of the metric that is compared, as its model has it; "" without one
	Own     bool    `json:"own"`   // the rule as it is written has this value
	Figures Figures `json:"figures"`
}

// maxSteps bounds a sweep: every step costs as much as the rule itself.
const maxSteps = 100

// Places of a sweep that are not in the condition.
const (
	placeFor      = "for"
	placeClearFor = "clear_for"
)

const (
	numberText = `-?[0-9]+(?:\.[0-9]+)?`
	spanText   = `[0-9]+(?:\.[0-9]+)?(?:s|m|h|d)`
	valueText  = `(?:` + spanText + `|` + numberText + `)`
)

var (
	sweepForm = regexp.MustCompile(`^(?:([^\s:>]+)\s*:\s)?\s*(.*?)\s*(` + valueText + `(?:\s*,\s*` + valueText + `)+|` +
		valueText + `\s*\.\.\s*` + valueText + `(?:\s+step\s+` + valueText + `)?)\s*\)?$`)
	rangeForm = regexp.MustCompile(`^(` + valueText + `)\s*\.\.\s*(` + valueText + `)(?:\s+step\s+(` + valueText + `))?$`)
)

// ParseSweep reads what people write: the part of the condition before the
// number, with several values where the number stands:
//
//	temperature > 7..12 step 1
//	fridge-warm: avg(temperature, "10m") > 7, 7.5, 8
//	for 5m..30m step 5m
func ParseSweep(text string) (Sweep, error) {
	parts := sweepForm.FindStringSubmatch(strings.TrimSpace(text))
	if parts == nil || parts[2] == "" {
		return Sweep{}, errors.New(`a sweep is the condition with a range in place of a number, such as "temperature > 7..12 step 1", or "for 5m..30m step 5m"`)
	}
	s := Sweep{Rule: parts[1], Place: parts[2]}
	values, err := parseValues(parts[3], s.Place == placeFor || s.Place == placeClearFor)
	if err != nil {
		return Sweep{}, err
	}
	s.Values = values
	return s, s.check()
}

// check finds what is wrong with a sweep by itself.
func (s Sweep) check() error {
	if len(s.Values) == 0 || len(s.Values) > maxSteps {
		return fmt.Errorf("a sweep has from one to %d values, not %d", maxSteps, len(s.Values))
	}
	for _, v := range s.Values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return errors.New("a sweep's values are finite numbers")
		}
	}
	return nil
}

func parseValues(text string, spans bool) ([]float64, error) {
	if r := rangeForm.FindStringSubmatch(text); r != nil {
		return parseRange(r[1], r[2], r[3], spans)
	}
	var values []float64
	for item := range strings.SplitSeq(text, ",") {
		v, err := parseSweepValue(strings.TrimSpace(item), spans)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	return values, nil
}

func parseRange(first, last, step string, spans bool) ([]float64, error) {
	from, err := parseSweepValue(first, spans)
	if err != nil {
		return nil, err
	}
	to, err := parseSweepValue(last, spans)
	if err != nil {
		return nil, err
	}
	by := 1.0
	if spans {
		by = time.Minute.Seconds()
	}
	if step != "" {
		if by, err = parseSweepValue(step, spans); err != nil {
			return nil, err
		}
	}
	if by <= 0 || to < from {
		return nil, fmt.Errorf("%s..%s is not a range that rises by a step above zero", first, last)
	}
	n := (to-from)/by + 1e-9
	if n >= maxSteps {
		return nil, fmt.Errorf("a sweep has from one to %d values", maxSteps)
	}
	values := make([]float64, int(n)+1)
	for i := range values {
		values[i] = math.Round((from+float64(i)*by)*1e9) / 1e9 // 7.3, not 7.300000000000001
	}
	return values, nil
}

// parseSweepValue reads a number, or a span of time as seconds.
func parseSweepValue(text string, span bool) (float64, error) {
	if !span {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return 0, fmt.Errorf("%q is not a number", text)
		}
		return v, nil
	}
	d, err := rules.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a time such as 10m", text)
	}
	return d.Seconds(), nil
}

// plan makes a set of rules for each value: all of them, with one changed.
func (s Sweep) plan(declared []rules.Rule) ([][]rules.Rule, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	at, number, err := s.find(declared)
	if err != nil {
		return nil, err
	}
	sets := make([][]rules.Rule, len(s.Values))
	for i, v := range s.Values {
		set := slices.Clone(declared)
		if err := s.put(&set[at], number, v); err != nil {
			return nil, err
		}
		sets[i] = set
	}
	return sets, nil
}

// At returns a rule with a value in the place that the sweep is about. The
// error says that the rule has no such place.
func (s Sweep) At(r rules.Rule, value float64) (rules.Rule, error) {
	_, number, err := s.find([]rules.Rule{r})
	if err != nil {
		return r, err
	}
	err = s.put(&r, number, value)
	return r, err
}

// own returns the value that the rule has as it is written.
func (s Sweep) own(declared []rules.Rule) (float64, bool) {
	at, number, err := s.find(declared)
	if err != nil {
		return 0, false
	}
	switch s.Place {
	case placeFor:
		return declared[at].For.Seconds(), true
	case placeClearFor:
		return declared[at].ClearFor.Seconds(), true
	default:
		return number.Value, true
	}
}

func (s Sweep) put(r *rules.Rule, number rules.ComparedNumber, v float64) (err error) {
	switch s.Place {
	case placeFor:
		r.For = time.Duration(v * float64(time.Second))
	case placeClearFor:
		r.ClearFor = time.Duration(v * float64(time.Second))
	default:
		r.When, err = number.Replace(r.When, v)
	}
	return err
}

// find returns the rule, and the number in its condition, that a sweep is
// about.
func (s Sweep) find(declared []rules.Rule) (int, rules.ComparedNumber, error) {
	at, place, found := -1, rules.ComparedNumber{}, 0
	var choices []string
	for i := range declared {
		r := &declared[i]
		if s.Rule != "" && r.ID != s.Rule {
			continue
		}
		if s.Place == placeFor || s.Place == placeClearFor {
			at, found = i, found+1
			choices = append(choices, r.ID+": "+s.Place)
			continue
		}
		for _, n := range rules.ComparedNumbers(r.When) {
			choices = append(choices, r.ID+": "+n.Before)
			if bare(n.Before) == bare(s.Place) {
				at, place, found = i, n, found+1
			}
		}
	}
	switch {
	case found == 1:
		return at, place, nil
	case len(choices) == 0 && s.Rule != "":
		return 0, place, fmt.Errorf("there is no rule %s with a number to sweep", s.Rule)
	case found == 0:
		return 0, place, fmt.Errorf("no condition compares a number with %q; there are %s", s.Place, quoted(choices))
	default:
		return 0, place, fmt.Errorf("%q stands in more than one place: name the rule; there are %s", s.Place, quoted(choices))
	}
}

func quoted(choices []string) string {
	if len(choices) == 0 {
		return "none"
	}
	return `"` + strings.Join(choices, `", "`) + `"`
}

// bare is a text without what people write differently.
func bare(text string) string {
	return strings.NewReplacer(" ", "", "\t", "", "'", `"`).Replace(text)
}

// text is a value as people write it.
func (s Sweep) text(v float64) string {
	if s.Place == placeFor || s.Place == placeClearFor {
		return spanOf(time.Duration(v * float64(time.Second)))
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// spanOf writes a delay without the parts that are zero: 10m, not 10m0s.
func spanOf(d time.Duration) string {
	text := d.String()
	if short, ok := strings.CutSuffix(text, "m0s"); ok {
		text = short + "m"
	}
	if short, ok := strings.CutSuffix(text, "h0m"); ok {
		text = short + "h"
	}
	return text
}

// unit is that of the metric which the swept number is compared with.
func (s Sweep) unit(declared []rules.Rule, directory *devices.Directory) string {
	at, number, err := s.find(declared)
	if err != nil || number.Metric == "" {
		return ""
	}
	for _, m := range directory.Models() {
		if metric, ok := m.Metrics[number.Metric]; ok && declared[at].AppliesTo.Selects(m.ID, declared[at].AppliesTo.Tags) {
			return metric.Unit
		}
	}
	return ""
}
