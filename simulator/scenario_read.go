package simulator

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"telltale/devices"
)

// Defaults of a scenario.
const (
	defaultSpeed       = 1
	defaultReportEvery = time.Minute
)

// Bounds that keep a slip of the finger from filling the machine.
const (
	maxUnits       = 1_000_000
	minReportEvery = 100 * time.Millisecond
)

// Parse reads a scenario. All that is wrong with it comes at once, each fault
// with its line.
func Parse(file string, text []byte) (*Scenario, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(document.Content) == 0 {
		return nil, fmt.Errorf("%s: the scenario is empty", file)
	}
	r := &reader{file: file}
	s := r.scenario(document.Content[0])
	if len(r.faults) > 0 {
		return nil, errors.Join(r.faults...)
	}
	return s, nil
}

func (r *reader) scenario(node *yaml.Node) *Scenario {
	m := r.mapping(node, "seed", "start", "speed", "fleet", "faults")
	s := &Scenario{Speed: defaultSpeed}
	if n := m["seed"]; n != nil {
		s.Seed = decode[uint64](r, n, "a whole number")
	}
	if n := m["start"]; n != nil {
		s.Start = r.start(n)
	}
	if n := m["speed"]; n != nil {
		if s.Speed = decode[float64](r, n, "a number"); s.Speed < 1 || s.Speed > 1e6 {
			r.failf(n, "speed must be from 1 to 1000000")
		}
	}
	r.groups(s, m["fleet"])
	if len(s.Groups) == 0 && len(r.faults) == 0 {
		r.failf(node, "fleet is missing")
	}
	for _, item := range r.list(m["faults"]) {
		s.Faults = append(s.Faults, r.fault(s, item))
	}
	return s
}

// start reads "-4h" or a time.
func (r *reader) start(node *yaml.Node) Start {
	if ago, ok := strings.CutPrefix(node.Value, "-"); ok {
		if d, err := time.ParseDuration(ago); err == nil && d >= 0 {
			return Start{Ago: d}
		}
	}
	at, err := time.Parse(time.RFC3339, node.Value)
	if err != nil {
		r.failf(node, "start must be like -4h or 2026-01-10T00:00:00Z, not %q", node.Value)
	}
	return Start{At: at}
}

func (r *reader) groups(s *Scenario, fleet *yaml.Node) {
	lines := make(map[devices.ID]int)
	r.groupOf = make(map[devices.ID]int)
	for _, item := range r.list(fleet) {
		g := r.group(item)
		switch {
		case g.Count > maxUnits-len(lines):
			r.failf(item, "the fleet has more than %d units", maxUnits)
			continue
		case !r.sound(item, g):
			continue
		}
		for _, id := range g.IDs() {
			if line, twice := lines[id]; twice {
				r.failf(item, "unit %s is there twice, first in line %d", id, line)
				break
			}
			if !devices.ValidID(string(id)) {
				r.failf(item, "%q is not a device id", id)
				break
			}
			lines[id] = item.Line
			r.groupOf[id] = len(s.Groups)
		}
		s.Groups = append(s.Groups, g)
	}
}

func (r *reader) group(node *yaml.Node) Group {
	m := r.mapping(node, "kind", "count", "id", "model", "report_every", "setpoint", "ambient")
	g := Group{Count: 1, ReportEvery: defaultReportEvery}
	g.Kind = Kind(r.word(node, m, "kind", string(Fridge), string(Freezer), string(Reefer), string(Washer)))
	g.ID = r.word(node, m, "id")
	if n := m["model"]; n != nil {
		g.Model = n.Value
	}
	if n := m["count"]; n != nil {
		if g.Count = decode[int](r, n, "a whole number"); g.Count < 1 {
			r.failf(n, "count must be 1 or more")
		}
	}
	if n := m["report_every"]; n != nil {
		if g.ReportEvery = r.duration(n); g.ReportEvery < minReportEvery {
			r.failf(n, "report_every must be %s or more", minReportEvery)
		}
	}
	g.Setpoint, g.Ambient = r.optionalNumber(m["setpoint"]), r.optionalNumber(m["ambient"])
	return g
}

// idPattern is an id with at most one %d in it.
var idPattern = regexp.MustCompile(`^[^%]*(%(0[1-9])?d[^%]*)?$`)

// sound checks what group could not see key by key.
func (r *reader) sound(node *yaml.Node, g Group) bool {
	numbered := strings.Contains(g.ID, "%")
	switch {
	case g.Kind == "" || g.ID == "" || g.Count < 1:
		return false // reported
	case !idPattern.MatchString(g.ID):
		r.failf(node, "id %q must have one %%d, like fridge-%%02d", g.ID)
	case g.Count > 1 && !numbered:
		r.failf(node, "id %q must have a %%d to name %d units, like fridge-%%02d", g.ID, g.Count)
	case !g.cools() && (g.Setpoint != nil || g.Ambient != nil):
		r.failf(node, "a %s has no setpoint or ambient", g.Kind)
	default:
		return true
	}
	return false
}

func (r *reader) fault(s *Scenario, node *yaml.Node) Fault {
	m := r.mapping(node, "device", "fault", "at", "for", "metric", "value", "code")
	kinds := make([]string, 0, len(allFaults()))
	for _, traits := range allFaults() {
		kinds = append(kinds, string(traits.kind))
	}
	f := Fault{
		Device: devices.ID(r.word(node, m, "device")),
		Kind:   FaultKind(r.word(node, m, "fault", kinds...)),
	}
	if n := m["at"]; n != nil {
		f.At = r.duration(n)
	}
	if n := m["for"]; n != nil {
		f.For = r.duration(n)
	}
	if n := m["value"]; n != nil {
		f.Value = decode[float64](r, n, "a number")
	}
	if n := m["metric"]; n != nil {
		f.Metric = n.Value
	}
	if n := m["code"]; n != nil {
		f.Code = n.Value
	}
	if f.Kind != "" && f.Device != "" {
		r.checkFault(s, node, m, &f)
	}
	return f
}

// checkFault checks a fault against the unit it befalls, and fills in the
// metric that sensor faults are about as a rule.
func (r *reader) checkFault(s *Scenario, node *yaml.Node, m map[string]*yaml.Node, f *Fault) {
	at, known := r.groupOf[f.Device]
	if !known {
		r.failf(m["device"], "there is no unit %s in the fleet", f.Device)
		return
	}
	group := s.Groups[at]
	all := allFaults()
	traits := all[slices.IndexFunc(all, func(t faultTraits) bool { return t.kind == f.Kind })]
	if group.cools() && !traits.cabinet || !group.cools() && !traits.washer {
		r.failf(m["fault"], "a %s has no fault %s", group.Kind, f.Kind)
	}
	if traits.needsValue && m["value"] == nil {
		r.failf(node, "fault %s needs a value", f.Kind)
	}
	if traits.hasCode != (f.Code != "") {
		r.failf(node, "fault code needs a code, and no other fault has one")
	}
	if !traits.sensor {
		if f.Metric != "" {
			r.failf(m["metric"], "fault %s is about no metric", f.Kind)
		}
		return
	}
	if f.Metric == "" && group.cools() {
		f.Metric = "temperature"
	}
	if names := group.metrics(); !slices.Contains(names, f.Metric) {
		r.failf(node, "metric must be one of %s, not %q", strings.Join(names, ", "), f.Metric)
	}
}
