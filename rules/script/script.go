package script

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"telltale/devices"
	"telltale/rules"
)

// file is a script as it is written.
type file struct {
	rules []*yaml.Node
	tests []*test
}

// test is one time line and what must come of it.
type test struct {
	node    *yaml.Node
	own     string // the rule that carries the test; "": it stands in a script
	name    string
	devices []*subject
	start   time.Time     // default 2026-01-01T00:00:00Z
	every   time.Duration // 0: the model's report_every
	expect  []*expectation
	totals  []total
}

// subject is a device of a test and what it says.
type subject struct {
	node     *yaml.Node
	id       devices.ID
	model    string
	site     string
	gateway  devices.ID
	customer string // who owns it all the time; "": nobody
	tags     map[string]string
	series   map[string]*steps // by metric
	faults   *steps
	status   *steps
	late     []*late // by at, apart from each other
}

// expectation is what must be true of an alarm at one moment.
type expectation struct {
	node        *yaml.Node
	at          time.Duration
	alarm       string
	device      devices.ID // default: the only one
	state       string     // one of states; "": any
	severity    *rules.Severity
	occurrences *int64
	explains    string // a text that the last explanation holds
	chattering  *bool
	heldBy      *string // the rule or the maintenance that holds it back; "": nothing
}

// total is how often something must have happened to a rule's alarms in all.
type total struct {
	what  string     // one of happenings
	node  *yaml.Node // of the rule's id
	rule  string
	times int
}

// happenings are what may be counted in all: raises, those among them that
// reopen an earlier alarm, alarms that were held back, and what late readings
// made of alarms that had been told.
func happenings() []string {
	return []string{"raised", "reopened", "suppressed", "amended", "withdrawn"}
}

// steps is a series, with an entry for each instant: nil where nothing is said.
type steps struct {
	node *yaml.Node
	all  []*step
}

// at returns what is said at an instant, or nil.
func (s *steps) at(i int) *step {
	if s == nil || i >= len(s.all) {
		return nil
	}
	return s.all[i]
}

// states are the words that an expectation may use. An alarm that is clearing
// is still active; none is normal without any alarm before; cleared is normal
// after one, and withdrawn after one that late readings took back.
func states() []string {
	return []string{"normal", "none", "pending", "active", "clearing", "cleared", "withdrawn"}
}

// parse reads a script. The error joins one for each fault.
func parse(content []byte) (*file, error) {
	var r reader
	f := &file{}
	if root := r.document(content); root != nil {
		f.read(&r, root)
	}
	return f, r.orNil()
}

func (f *file) read(r *reader, root *yaml.Node) {
	keys := r.mapping(root, "rules", "tests")
	for _, n := range r.list(keys["rules"], "rules") {
		if r.text(n, "the path of a file with rules") != "" {
			f.rules = append(f.rules, n)
		}
	}
	for _, n := range r.list(keys["tests"], "tests") {
		f.tests = append(f.tests, readTest(r, n, ""))
	}
	whole := len(r.faults) == 0
	if whole && len(f.rules) == 0 {
		r.fail(root, "rules names no file")
	}
	if whole && len(f.tests) == 0 {
		r.fail(root, "there are no tests")
	}
}

// readTest reads a test. Own is the rule that carries it, which then need not
// be named; "" stands for a test of a script.
func readTest(r *reader, n *yaml.Node, own string) *test {
	t := &test{node: n, own: own, start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	keys := r.mapping(n, slices.Concat(
		[]string{"name", "device", "devices", "start", "every", "series", "faults", "status", "late", "expect"}, happenings())...)
	t.name = r.text(keys["name"], "name")
	t.every = r.duration(keys["every"], "every")
	if start := keys["start"]; start != nil {
		at, err := time.Parse(time.RFC3339, start.Value)
		if err != nil {
			r.fail(start, "start is a time such as 2026-01-01T00:00:00Z, not %q", start.Value)
		} else if year := at.UTC().Year(); year < 1970 || year > 2080 { // what the engine believes, with ten years to play
			r.fail(start, "start lies between 1970 and 2080")
		}
		t.start = at.UTC()
	}
	before := len(r.faults)
	t.readDevices(r, keys)
	known := len(r.faults) == before // otherwise every expectation on them would be a riddle
	for _, e := range r.list(keys["expect"], "expect") {
		t.expect = append(t.expect, t.readExpectation(r, e, known))
	}
	counts := false
	for _, what := range happenings() {
		counts = counts || keys[what] != nil
		if one := keys[what]; own != "" && one != nil && one.Kind == yaml.ScalarNode {
			t.totals = append(t.totals, total{what, one, own, r.count(one, "how often the rule is "+what)})
			continue
		}
		for _, e := range r.entries(keys[what], `a mapping such as {fridge-warm: 1}`) {
			t.totals = append(t.totals, total{what, e.key, e.key.Value, r.count(e.value, "how often a rule is "+what)})
		}
	}
	if keys["expect"] == nil && !counts && n.Kind == yaml.MappingNode {
		r.fail(n, "the test expects nothing")
	}
	return t
}

// readDevices reads the one device with its series beside it, or several with
// theirs below them.
func (t *test) readDevices(r *reader, keys map[string]*yaml.Node) {
	one, several := keys["device"], keys["devices"]
	switch {
	case one != nil && several != nil:
		r.fail(several, "a test has either device or devices")
	case several != nil:
		for _, key := range []string{"series", "faults", "status", "late"} {
			if n := keys[key]; n != nil {
				r.fail(n, "with devices, %s stands under each of them", key)
			}
		}
		for _, n := range r.list(several, "devices") {
			inner := r.mapping(n, "id", "model", "site", "gateway", "customer", "tags", "series", "faults", "status", "late")
			t.devices = append(t.devices, readSubject(r, n, inner, inner))
		}
	case one != nil:
		inner := r.mapping(one, "id", "model", "site", "gateway", "customer", "tags")
		t.devices = []*subject{readSubject(r, one, inner, keys)}
	}
	if len(t.devices) == 0 && one == nil && t.node.Kind == yaml.MappingNode {
		r.fail(t.node, "a test needs a device")
	}
	seen := make(map[devices.ID]bool)
	for _, d := range t.devices {
		if seen[d.id] {
			r.fail(d.node, "device %s is there twice", d.id)
		}
		seen[d.id] = true
	}
}

// readSubject reads a device; says are the keys that its series stand under.
func readSubject(r *reader, n *yaml.Node, keys, says map[string]*yaml.Node) *subject {
	d := &subject{
		node: n, id: devices.ID(r.text(keys["id"], "id")), model: r.text(keys["model"], "model"), site: r.text(keys["site"], "site"),
		gateway: devices.ID(r.text(keys["gateway"], "gateway")), customer: r.text(keys["customer"], "customer"),
		series: make(map[string]*steps), faults: r.series(says["faults"]), status: r.series(says["status"]),
		late: readLate(r, says["late"]),
	}
	if !devices.ValidID(string(d.id)) || d.model == "" {
		r.fail(n, "a device needs an id and a model")
	}
	for _, e := range r.entries(keys["tags"], "a mapping of texts") {
		if d.tags == nil {
			d.tags = make(map[string]string)
		}
		d.tags[e.key.Value] = r.text(e.value, "a tag")
	}
	for _, e := range r.entries(says["series"], `a mapping such as {temperature: "4x5 9x9"}`) {
		if s := r.series(e.value); s != nil {
			d.series[e.key.Value] = s
		}
	}
	if d.status != nil {
		for _, one := range d.status.all {
			if one != nil && one.presence() == devices.PresenceUnknown {
				r.fail(d.status.node, "status is online or offline, not %q", one.word)
				break
			}
		}
	}
	return d
}

func (t *test) readExpectation(r *reader, n *yaml.Node, devicesKnown bool) *expectation {
	keys := r.mapping(n, "at", "alarm", "device", "state", "severity", "occurrences", "explains", "chattering", "held_by")
	e := &expectation{
		node: n, at: r.duration(keys["at"], "at"), alarm: cmp.Or(r.text(keys["alarm"], "alarm"), t.own), state: r.text(keys["state"], "state"),
		device: devices.ID(r.text(keys["device"], "device")), explains: r.text(keys["explains"], "explains"),
	}
	if n.Kind != yaml.MappingNode {
		return e
	}
	if keys["at"] == nil {
		r.fail(n, "at is missing")
	}
	if e.alarm == "" {
		r.fail(n, "alarm names no rule")
	}
	e.readWords(r, keys)
	if keys["state"] == nil && keys["severity"] == nil && keys["occurrences"] == nil && e.explains == "" &&
		e.chattering == nil && e.heldBy == nil {
		r.fail(n, "nothing is expected (state, severity, occurrences, chattering, held_by or explains)")
	}
	if e.device == "" && len(t.devices) == 1 {
		e.device = t.devices[0].id
	}
	isMine := slices.ContainsFunc(t.devices, func(d *subject) bool { return d.id == e.device })
	if devicesKnown && len(t.devices) > 0 && !isMine {
		at := n
		if keys["device"] != nil {
			at = keys["device"]
		}
		r.fail(at, "device must be one of the test's")
	}
	return e
}

// readWords reads what is one of a few words, or a count.
func (e *expectation) readWords(r *reader, keys map[string]*yaml.Node) {
	if n := keys["state"]; n != nil && !slices.Contains(states(), e.state) {
		r.fail(n, "unknown state %q (there are %s)", e.state, strings.Join(states(), ", "))
	}
	if n := keys["severity"]; n != nil {
		severity, err := rules.ParseSeverity(n.Value)
		if err != nil {
			r.fail(n, "%w", err)
		}
		e.severity = &severity
	}
	if n := keys["occurrences"]; n != nil {
		count := int64(r.count(n, "occurrences"))
		e.occurrences = &count
	}
	if n := keys["chattering"]; n != nil {
		chattering := n.Value == "true"
		if n.Tag != "!!bool" {
			r.fail(n, "chattering is true or false, not %q", n.Value)
		}
		e.chattering = &chattering
	}
	if n := keys["held_by"]; n != nil {
		if n.Kind != yaml.ScalarNode {
			r.fail(n, `held_by is a rule's or a maintenance's id, or "" for nothing`)
		}
		e.heldBy = &n.Value
	}
}

// metrics returns the names of a device's series, sorted.
func (d *subject) metrics() []string { return slices.Sorted(maps.Keys(d.series)) }

// length is the number of instants of the longest series.
func (t *test) length() int {
	n := 0
	count := func(s *steps) {
		if s != nil {
			n = max(n, len(s.all))
		}
	}
	for _, d := range t.devices {
		for _, s := range d.series {
			count(s)
		}
		count(d.faults)
		count(d.status)
	}
	return n
}
