package rules

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"telltale/devices"
)

// The reference evaluates conditions slowly and plainly: on the whole history
// of a device, by the definitions of docs/rule-language.md alone. It shares no
// code with what it is compared with.

// refStale is the age at which the reference's values are stale, in seconds.
const refStale = 180

// refModel is a model whose metrics have every kind.
func refModel() *devices.Model {
	return &devices.Model{
		ID: "REF", ReportEvery: time.Minute,
		Metrics: map[string]devices.Metric{
			"t": {Name: "t", Unit: "Cel"}, "u": {Name: "u", Unit: "Cel"}, "door": {Name: "door", Unit: "bool"},
			"mode": {Name: "mode", Unit: "text"}, "raw": {Name: "raw"},
		},
	}
}

// refReport is what the device said at one second.
type refReport struct {
	at     int
	values map[string]devices.Value
	faults []string // nil: nothing about them
}

// refWorld is all that a device has said. Now is the time of its last report.
type refWorld []refReport

// String prints a report for a failure.
func (r refReport) String() string {
	said := fmt.Sprintf("%d:", r.at)
	for _, name := range slices.Sorted(maps.Keys(r.values)) {
		said += " " + name + "=" + r.values[name].String()
	}
	if r.faults != nil {
		said += " faults=" + strings.Join(r.faults, "+")
	}
	return said
}

func (w refWorld) now() int { return w[len(w)-1].at }

// latest is the value of a metric, if it is known.
func (w refWorld) latest(metric string) (devices.Value, bool) {
	for _, r := range slices.Backward(w) {
		if v, ok := r.values[metric]; ok {
			return v, w.now()-r.at <= refStale
		}
	}
	return devices.Value{}, false
}

func (w refWorld) number(metric string) (float64, bool) {
	v, ok := w.latest(metric)
	return v.Number, ok && !v.IsLabel()
}

func (w refWorld) text(metric string) (string, bool) {
	v, ok := w.latest(metric)
	return v.Label, ok && v.IsLabel()
}

// readings are the numbers of a metric with their times.
func (w refWorld) readings(metric string) (times []int, values []float64) {
	for _, r := range w {
		if v, ok := r.values[metric]; ok && !v.IsLabel() {
			times, values = append(times, r.at), append(values, v.Number)
		}
	}
	return times, values
}

// refNumber and refTruth are an expression as it is written, and what it is
// worth in a world.
type (
	refNumber struct {
		text  string
		value func(refWorld) (float64, bool)
	}
	refTruth struct {
		text   string
		value  func(refWorld) truth
		looks  []string // metrics that it looks at
		faults bool
	}
)

// dice draws choices from bytes; when they are used up, the first of each.
type dice struct{ bytes []byte }

func (d *dice) roll(n int) int {
	if len(d.bytes) == 0 {
		return 0
	}
	b := int(d.bytes[0])
	d.bytes = d.bytes[1:]
	return b % n
}

func pickOf[T any](d *dice, from ...T) T { return from[d.roll(len(from))] }

// history draws the reports of a device.
func (d *dice) history() refWorld {
	var w refWorld
	at := 3600
	for range 1 + d.roll(24) {
		at += pickOf(d, 60, 60, 60, 30, 90, 180, 181, 400)
		r := refReport{at: at, values: map[string]devices.Value{}}
		for _, metric := range []string{"t", "u"} {
			if d.roll(4) > 0 {
				r.values[metric] = devices.Number(float64(d.roll(13) - 4))
			}
		}
		if d.roll(2) > 0 {
			r.values["door"] = devices.Number(float64(d.roll(2)))
		}
		if d.roll(2) > 0 {
			r.values["mode"] = devices.Label(pickOf(d, "eco", "defrost"))
		}
		if d.roll(2) > 0 {
			r.values["raw"] = pickOf(d, devices.Number(3), devices.Label("eco"), devices.Number(-1))
		}
		if d.roll(3) == 0 {
			r.faults = pickOf(d, []string{}, []string{"E1"}, []string{"E2", "E1"})
		}
		if len(r.values) > 0 || r.faults != nil {
			w = append(w, r)
		}
	}
	return w
}

func (d *dice) literal() refNumber {
	n := float64(d.roll(19)-9) / 2
	return refNumber{formatNumber(n), func(refWorld) (float64, bool) { return n, true }}
}

// number draws a number that depends on a metric.
func (d *dice) number(depth int) refNumber {
	if depth <= 0 {
		return d.metric()
	}
	switch d.roll(6) {
	case 0, 1:
		return d.metric()
	case 2, 3:
		return d.arithmetic(depth)
	case 4:
		return d.function(depth)
	default:
		return d.window()
	}
}

func (d *dice) metric() refNumber {
	name := pickOf(d, "t", "u", "raw", "door")
	return refNumber{name, func(w refWorld) (float64, bool) { return w.number(name) }}
}

func (d *dice) operand(depth int) refNumber {
	if d.roll(2) == 0 {
		return d.literal()
	}
	return d.number(depth)
}

func (d *dice) arithmetic(depth int) refNumber {
	left, right := d.number(depth-1), d.operand(depth-1)
	op := pickOf(d, "+", "-", "*", "/", "%")
	return refNumber{fmt.Sprintf("(%s %s %s)", left.text, op, right.text), func(w refWorld) (float64, bool) {
		l, lok := left.value(w)
		r, rok := right.value(w)
		if !lok || !rok || r == 0 && (op == "/" || op == "%") {
			return 0, false
		}
		result := map[string]func() float64{
			"+": func() float64 { return l + r }, "-": func() float64 { return l - r }, "*": func() float64 { return l * r },
			"/": func() float64 { return l / r }, "%": func() float64 { return math.Mod(l, r) },
		}[op]()
		return result, !math.IsNaN(result)
	}}
}

func (d *dice) function(depth int) refNumber {
	if d.roll(2) == 0 {
		inner := d.number(depth - 1)
		return refNumber{"abs(" + inner.text + ")", func(w refWorld) (float64, bool) {
			v, ok := inner.value(w)
			return math.Abs(v), ok
		}}
	}
	name := pickOf(d, "min", "max")
	args := []refNumber{d.operand(depth - 1), d.number(depth - 1), d.operand(depth - 1)}
	texts := make([]string, len(args))
	for i, arg := range args {
		texts[i] = arg.text
	}
	return refNumber{name + "(" + strings.Join(texts, ", ") + ")", func(w refWorld) (float64, bool) {
		var all []float64
		for _, arg := range args {
			v, ok := arg.value(w)
			if !ok {
				return 0, false
			}
			all = append(all, v)
		}
		if name == "min" {
			return slices.Min(all), true
		}
		return slices.Max(all), true
	}}
}

// window draws a function of a metric's readings whose result is exact.
func (d *dice) window() refNumber {
	name, metric := pickOf(d, "avg", "min", "max", "count", "delta"), pickOf(d, "t", "u", "raw")
	span := pickOf(d, 60, 150, 300, 600, 1500)
	return refNumber{fmt.Sprintf(`%s(%s, "%ds")`, name, metric, span), func(w refWorld) (float64, bool) {
		return w.window(name, metric, span)
	}}
}

// window computes a function by the rule that a reading owns the time to the
// next one, unless that is longer than a value stays fresh.
func (w refWorld) window(name, metric string, span int) (float64, bool) {
	times, values := w.readings(metric)
	begin := w.now() - span
	if name == "count" {
		n := 0
		for _, at := range times {
			if at > begin {
				n++
			}
		}
		return float64(n), len(times) > 0 && times[0] <= begin
	}
	if _, fresh := w.latest(metric); !fresh || len(times) == 0 {
		return 0, false
	}
	last := len(times) - 1
	if name == "delta" {
		for i := last; i >= 0; i-- {
			if times[i] <= begin {
				gap := i < last && times[i+1]-times[i] > refStale
				return values[last] - values[i], !gap
			}
		}
		return 0, false
	}
	owned, sum, inForce := 0, 0.0, []float64{}
	for i, at := range times {
		length := 0
		if i < last && times[i+1]-at <= refStale {
			length = times[i+1] - at
		}
		if within := at + length - max(at, begin); within > 0 {
			owned, sum = owned+within, sum+values[i]*float64(within)
			inForce = append(inForce, values[i])
		} else if at >= begin {
			inForce = append(inForce, values[i])
		}
	}
	if 2*owned < span {
		return 0, false
	}
	switch name {
	case "avg":
		return sum / float64(owned), true
	case "min":
		return slices.Min(inForce), true
	default:
		return slices.Max(inForce), true
	}
}

// condition draws a truth. Functions that follow a condition do not nest.
func (d *dice) condition(depth int, mayFollow bool) refTruth {
	if depth <= 0 {
		return d.comparison(0)
	}
	switch d.roll(9) {
	case 0, 1:
		return d.comparison(depth)
	case 2, 3:
		return d.logic(depth, mayFollow)
	case 4:
		inner := d.condition(depth-1, mayFollow)
		inner.text = "not (" + inner.text + ")"
		value := inner.value
		inner.value = func(w refWorld) truth { return refNot(value(w)) }
		return inner
	case 5:
		return d.words()
	case 6:
		return d.fault()
	case 7:
		return d.chain(depth)
	default:
		if mayFollow {
			return d.follower(depth)
		}
		return refTruth{
			text: "door", looks: []string{"door"},
			value: func(w refWorld) truth {
				v, ok := w.number("door")
				return refKnown(ok, v != 0)
			},
		}
	}
}

func refKnown(known, holds bool) truth {
	switch {
	case !known:
		return unknown
	case holds:
		return yes
	default:
		return no
	}
}

func refNot(t truth) truth {
	return map[truth]truth{yes: no, no: yes, unknown: unknown}[t]
}

func refHolds(op string, l, r float64) bool {
	switch op {
	case "<":
		return l < r
	case "<=":
		return l <= r
	case ">":
		return l > r
	case ">=":
		return l >= r
	case "==":
		return l == r
	default:
		return l != r
	}
}

// metricsIn lists the metrics whose names stand in a text.
func metricsIn(text string) []string {
	var names []string
	words := strings.FieldsFunc(text, func(r rune) bool { return !('a' <= r && r <= 'z' || r == '_' || '0' <= r && r <= '9') })
	for _, name := range []string{"t", "u", "door", "mode", "raw"} {
		if slices.Contains(words, name) {
			names = append(names, name)
		}
	}
	return names
}

func (d *dice) comparison(depth int) refTruth {
	left, right := d.number(depth-1), d.operand(depth-1)
	op := pickOf(d, "<", "<=", ">", ">=", "==", "!=")
	text := left.text + " " + op + " " + right.text
	value := func(w refWorld) truth {
		l, lok := left.value(w)
		r, rok := right.value(w)
		return refKnown(lok && rok, refHolds(op, l, r))
	}
	if op == "==" || op == "!=" {
		switch left.text + right.text {
		case "rawraw": // two that may be texts or numbers are compared as what they are
			value = func(w refWorld) truth {
				_, known := w.latest("raw")
				return refKnown(known, op == "==")
			}
		case "rawdoor", "doorraw": // beside a switch, one without a unit is taken for one
			value = func(w refWorld) truth {
				raw, rawOK := w.number("raw")
				door, doorOK := w.number("door")
				return refKnown(rawOK && doorOK, ((raw != 0) == (door != 0)) == (op == "=="))
			}
		}
	}
	return refTruth{text: text, looks: metricsIn(text), value: value}
}

func (d *dice) chain(depth int) refTruth {
	a, b, c := d.operand(depth-1), d.number(depth-1), d.operand(depth-1)
	first, second := pickOf(d, "<", "<=", ">", ">="), pickOf(d, "<", "<=", ">", ">=")
	negated := d.roll(3) == 0
	text := fmt.Sprintf("%s %s %s %s %s", a.text, first, b.text, second, c.text)
	if negated {
		text = "not " + text
	}
	return refTruth{text: text, looks: metricsIn(text), value: func(w refWorld) truth {
		x, xok := a.value(w)
		y, yok := b.value(w)
		z, zok := c.value(w)
		both := refAnd(refKnown(xok && yok, refHolds(first, x, y)), refKnown(yok && zok, refHolds(second, y, z)))
		if negated {
			return refNot(both)
		}
		return both
	}}
}

func refAnd(a, b truth) truth {
	switch {
	case a == no || b == no:
		return no
	case a == unknown || b == unknown:
		return unknown
	default:
		return yes
	}
}

func (d *dice) logic(depth int, mayFollow bool) refTruth {
	left, right := d.condition(depth-1, mayFollow), d.condition(depth-1, mayFollow)
	word := pickOf(d, "and", "or")
	return refTruth{
		text:   "(" + left.text + ") " + word + " (" + right.text + ")",
		looks:  append(slices.Clone(left.looks), right.looks...),
		faults: left.faults || right.faults,
		value: func(w refWorld) truth {
			l, r := left.value(w), right.value(w)
			if word == "or" { // by De Morgan
				return refNot(refAnd(refNot(l), refNot(r)))
			}
			return refAnd(l, r)
		},
	}
}

// words draws a comparison of texts, or a list.
func (d *dice) words() refTruth {
	name, word := pickOf(d, "mode", "raw"), pickOf(d, "eco", "defrost", "x")
	switch d.roll(3) {
	case 0:
		return refTruth{text: name + ` == "` + word + `"`, looks: []string{name}, value: func(w refWorld) truth {
			v, ok := w.text(name)
			return refKnown(ok, v == word)
		}}
	case 1:
		return refTruth{text: `"` + word + `" != ` + name, looks: []string{name}, value: func(w refWorld) truth {
			v, ok := w.text(name)
			return refKnown(ok, v != word)
		}}
	}
	not, negated := "", d.roll(2) == 0
	if negated {
		not = "not "
	}
	list := []string{`"` + word + `"`}
	if name == "raw" {
		list = append(list, "3")
	}
	return refTruth{text: name + " " + not + "in [" + strings.Join(list, ", ") + "]", looks: []string{name}, value: func(w refWorld) truth {
		v, ok := w.latest(name)
		found := v.IsLabel() && v.Label == word || !v.IsLabel() && v.Number == 3
		return refKnown(ok, found != negated)
	}}
}

func (d *dice) fault() refTruth {
	code := pickOf(d, "E1", "E2")
	return refTruth{text: `fault("` + code + `")`, faults: true, value: func(w refWorld) truth {
		for _, r := range slices.Backward(w) {
			if r.faults != nil {
				return refKnown(true, slices.Contains(r.faults, code))
			}
		}
		return unknown
	}}
}

// observed are the moments at which something was said for a condition, and
// what it was then. A list of faults goes on to hold, so every report says it.
func (c refTruth) observed(w refWorld) (times []int, found []truth) {
	for i, r := range w {
		news := c.faults
		for _, name := range c.looks {
			_, said := r.values[name]
			news = news || said
		}
		if news {
			times, found = append(times, r.at), append(found, c.value(w[:i+1]))
		}
	}
	return times, found
}

// follower draws a comparison of a function that follows a condition.
func (d *dice) follower(depth int) refTruth {
	inner := d.condition(depth-1, false)
	span, few := pickOf(d, 120, 600, 1500), 1+d.roll(5)
	name := pickOf(d, "time_where", "since", "count_where", "starts")
	call := map[string]string{
		"time_where":  fmt.Sprintf(`time_where(%s, "%ds")`, inner.text, span),
		"since":       fmt.Sprintf("since(%s)", inner.text),
		"count_where": fmt.Sprintf("count_where(%s, %d)", inner.text, few),
		"starts":      fmt.Sprintf(`starts(%s, "%ds")`, inner.text, span),
	}[name]
	limit := pickOf(d, 0, 1, 2, 59, 60, 120, 300)
	op := pickOf(d, "<", "<=", ">", ">=", "==")
	return refTruth{
		text: fmt.Sprintf("%s %s %d", call, op, limit), looks: inner.looks, faults: inner.faults,
		value: func(w refWorld) truth {
			v, ok := inner.follow(name, w, span, few)
			return refKnown(ok, refHolds(op, v, float64(limit)))
		},
	}
}

func (c refTruth) follow(name string, w refWorld, span, few int) (float64, bool) {
	times, found := c.observed(w)
	now, begin := w.now(), w.now()-span
	holdsUntil := func(i int) int { // the end of the time that observation i speaks for
		if i+1 < len(times) && times[i+1]-times[i] <= refStale {
			return times[i+1]
		}
		return times[i]
	}
	switch name {
	case "time_where":
		sum := 0
		for i := range times {
			if found[i] == yes {
				sum += max(0, holdsUntil(i)-max(begin, times[i]))
			}
		}
		return float64(sum), true
	case "since":
		return sinceOf(times, found, now, holdsUntil)
	}
	var known []int // indexes of the observations that know
	for i := range times {
		if found[i] != unknown {
			known = append(known, i)
		}
	}
	if name == "starts" {
		n := 0
		for k := 1; k < len(known); k++ {
			i, before := known[k], known[k-1]
			if found[i] == yes && found[before] == no && times[i]-times[before] <= refStale && times[i] > begin {
				n++
			}
		}
		return float64(n), true
	}
	count, seen := 0, 0
	for k := len(known) - 1; k >= 0 && seen < few; k-- {
		i := known[k]
		if seen > 0 && times[known[k+1]]-times[i] > refStale {
			break
		}
		if found[i] == yes {
			count++
		}
		seen++
	}
	fresh := len(known) > 0 && now-times[known[len(known)-1]] <= refStale
	return float64(count), seen == few && fresh
}

// sinceOf is how long ago a condition last held: the end of the last stretch
// in which it was seen to, or when it was first known.
func sinceOf(times []int, found []truth, now int, holdsUntil func(i int) int) (float64, bool) {
	first := slices.IndexFunc(found, func(t truth) bool { return t != unknown })
	if first < 0 {
		return 0, false
	}
	last := len(times) - 1
	if found[last] == yes && now-times[last] <= refStale {
		return 0, true
	}
	end := times[first]
	for i := range times {
		if found[i] == yes {
			end = max(end, times[i], holdsUntil(i))
		}
	}
	return float64(now - end), true
}
