package declare

import (
	"telltale/devices/shipments"
)

// compendialActivationEnergy is what USP <1160> uses where no product data
// exist, in kJ/mol.
const compendialActivationEnergy = 83.144

// absoluteZero bounds every temperature, in degrees Celsius.
const absoluteZero = -273.15

func readProfile(f *fields) any {
	p := &shipments.StorageProfile{ID: f.mustID("id")}
	if v, ok := f.must("limits"); ok {
		p.Limits = readLimits(v)
	}
	for _, item := range f.list("budgets") {
		p.Budgets = append(p.Budgets, readBudget(item))
	}
	if v, ok := f.has("mkt"); ok {
		p.MKT = readMKT(v)
	}
	if v, ok := f.has("gaps"); ok {
		p.Gaps = readGaps(v)
	}
	p.IgnoreFirst = f.duration("ignore_first")
	p.Source = f.mustText("source")
	return p
}

func readLimits(v value) shipments.Limits {
	f := v.fields()
	low, hasLow := f.celsius("min")
	high, hasHigh := f.celsius("max")
	if hasLow && hasHigh && low >= high {
		v.failf("min (%v) must be below max (%v)", low, high)
	}
	f.done()
	return shipments.Limits{Min: low, Max: high}
}

// celsius reads a temperature that must be there.
func (f *fields) celsius(key string) (float64, bool) {
	c, ok := f.mustNumber(key)
	if ok && c < absoluteZero {
		f.values[key].failf("%v is below absolute zero (%v)", c, absoluteZero)
	}
	return c, ok
}

func readBudget(item value) shipments.Budget {
	f := item.fields()
	b := shipments.Budget{
		For:        f.mustDuration("for"),
		Cumulative: f.boolean("cumulative"),
	}
	sides := []shipments.Side{shipments.Above, shipments.AtOrAbove, shipments.Below, shipments.AtOrBelow}
	given := 0
	for _, side := range sides {
		if _, ok := f.has(string(side)); ok {
			given++
			b.Side = side
			b.Limit, _ = f.celsius(string(side))
		}
	}
	if given != 1 {
		item.failf("needs exactly one of above, at_or_above, below and at_or_below")
	}
	if v, ok := f.must("verdict"); ok {
		b.Verdict = shipments.Verdict(v.oneOf(string(shipments.Review), string(shipments.Reject)))
	}
	f.done()
	return b
}

func readMKT(v value) *shipments.MKT {
	f := v.fields()
	m := &shipments.MKT{Window: f.mustDuration("window"), ActivationEnergy: compendialActivationEnergy}
	m.Max, _ = f.celsius("max")
	if energy, ok := f.number("activation_energy"); ok {
		m.ActivationEnergy = energy
		if energy <= 0 {
			f.values["activation_energy"].failf("must be above zero")
		}
	}
	f.done()
	return m
}

func readGaps(v value) shipments.GapPolicy {
	f := v.fields()
	g := shipments.GapPolicy{LongerThan: f.mustDuration("longer_than"), CountAs: shipments.GapUnknown}
	if word := f.oneOf("count_as", string(shipments.GapUnknown), string(shipments.GapWorstCase)); word != "" {
		g.CountAs = shipments.GapCount(word)
	}
	f.done()
	return g
}

type profileSpec struct {
	ID          string       `json:"id"`
	Limits      limitsSpec   `json:"limits"`
	Budgets     []budgetSpec `json:"budgets,omitempty"`
	MKT         *mktSpec     `json:"mkt,omitempty"`
	Gaps        *gapsSpec    `json:"gaps,omitempty"`
	IgnoreFirst string       `json:"ignore_first,omitempty"`
	Source      string       `json:"source"`
}

type limitsSpec struct {
	Min float64 `json:"min"`
	Max float64 `json:"max"`
}

type budgetSpec struct {
	Above      *float64 `json:"above,omitempty"`
	AtOrAbove  *float64 `json:"at_or_above,omitempty"`
	Below      *float64 `json:"below,omitempty"`
	AtOrBelow  *float64 `json:"at_or_below,omitempty"`
	For        string   `json:"for"`
	Cumulative bool     `json:"cumulative,omitempty"`
	Verdict    string   `json:"verdict"`
}

type mktSpec struct {
	Max              float64 `json:"max"`
	Window           string  `json:"window"`
	ActivationEnergy float64 `json:"activation_energy"`
}

type gapsSpec struct {
	LongerThan string `json:"longer_than"`
	CountAs    string `json:"count_as"`
}

func encodeProfile(p *shipments.StorageProfile) profileSpec {
	spec := profileSpec{
		ID: p.ID, Limits: limitsSpec(p.Limits), IgnoreFirst: optionalDuration(p.IgnoreFirst), Source: p.Source,
	}
	for _, b := range p.Budgets {
		spec.Budgets = append(spec.Budgets, encodeBudget(b))
	}
	if p.MKT != nil {
		spec.MKT = &mktSpec{p.MKT.Max, FormatDuration(p.MKT.Window), p.MKT.ActivationEnergy}
	}
	if p.Gaps.LongerThan > 0 {
		spec.Gaps = &gapsSpec{FormatDuration(p.Gaps.LongerThan), string(p.Gaps.CountAs)}
	}
	return spec
}

func encodeBudget(b shipments.Budget) budgetSpec {
	spec := budgetSpec{For: FormatDuration(b.For), Cumulative: b.Cumulative, Verdict: string(b.Verdict)}
	switch b.Side {
	case shipments.Above:
		spec.Above = &b.Limit
	case shipments.AtOrAbove:
		spec.AtOrAbove = &b.Limit
	case shipments.Below:
		spec.Below = &b.Limit
	case shipments.AtOrBelow:
		spec.AtOrBelow = &b.Limit
	}
	return spec
}
