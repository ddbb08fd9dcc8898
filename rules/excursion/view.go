package excursion

import (
	"encoding/json"
	"fmt"
	"time"

	"telltale/devices"
	"telltale/devices/shipments"
)

// View is an assessment as the REST interface shows it and the store keeps
// it.
type View struct {
	ShipmentID     string            `json:"shipment_id"`
	Verdict        shipments.Verdict `json:"verdict" enum:"ok,unknown,review,reject"`
	Excursions     []ExcursionView   `json:"excursions"`
	Budgets        []BudgetView      `json:"budgets"`
	SecondsOutside float64           `json:"seconds_outside" doc:"outside the limits, high and low together, of the worst track"`
	MKT            *float64          `json:"mkt" doc:"mean kinetic temperature of the worst window in degrees Celsius; null: not asked for, or no data"`
	Gaps           []GapView         `json:"gaps"`
	Excluded       []ExcludedView    `json:"excluded"`
	TracePoints    int               `json:"trace_points"`
	Min            *float64          `json:"min" doc:"coldest reading that counted"`
	Max            *float64          `json:"max" doc:"warmest reading that counted"`
	ComputedAt     time.Time         `json:"computed_at"`
	DataUntil      *time.Time        `json:"data_until" doc:"time of the last reading; null: none"`
	Explanation    []string          `json:"explanation"`
}

// ExcursionView is an [Excursion] as it is shown.
type ExcursionView struct {
	From    time.Time  `json:"from"`
	To      time.Time  `json:"to"`
	Limit   float64    `json:"limit"`
	High    bool       `json:"high" doc:"above the upper limit; otherwise below the lower one"`
	Extreme float64    `json:"extreme"`
	Seconds float64    `json:"seconds"`
	Open    bool       `json:"open" doc:"still outside at the last reading"`
	Logger  devices.ID `json:"logger"`
}

// BudgetView is a [BudgetUse] as it is shown.
type BudgetView struct {
	Side           shipments.Side    `json:"side" enum:"above,at_or_above,below,at_or_below"`
	Limit          float64           `json:"limit"`
	Cumulative     bool              `json:"cumulative"`
	Verdict        shipments.Verdict `json:"verdict" doc:"what it means when it is used up"`
	AllowedSeconds float64           `json:"allowed_seconds"`
	UsedSeconds    float64           `json:"used_seconds"`
	LeftSeconds    float64           `json:"left_seconds"`
	UsedUpAt       *time.Time        `json:"used_up_at" doc:"null: not used up"`
}

// GapView is a [Gap] as it is shown.
type GapView struct {
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Seconds float64   `json:"seconds"`
}

// ExcludedView is an [Excluded] as it is shown.
type ExcludedView struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Why  string    `json:"why"`
}

// View returns a as it is shown. Lists are never null.
func (a *Assessment) View() View {
	v := View{
		ShipmentID: a.Shipment, Verdict: a.Verdict, SecondsOutside: a.SecondsOutside, MKT: a.MKT,
		TracePoints: a.TracePoints, Min: a.Min, Max: a.Max,
		ComputedAt: a.ComputedAt, DataUntil: orNull(a.DataUntil),
		Excursions:  make([]ExcursionView, len(a.Excursions)),
		Budgets:     make([]BudgetView, len(a.Budgets)),
		Gaps:        make([]GapView, len(a.Gaps)),
		Excluded:    make([]ExcludedView, len(a.Excluded)),
		Explanation: append([]string{}, a.Explanation...),
	}
	for i, e := range a.Excursions {
		v.Excursions[i] = ExcursionView(e)
	}
	for i, b := range a.Budgets {
		v.Budgets[i] = b.view()
	}
	for i, g := range a.Gaps {
		v.Gaps[i] = GapView{From: g.From, To: g.To, Seconds: g.To.Sub(g.From).Seconds()}
	}
	for i, e := range a.Excluded {
		v.Excluded[i] = ExcludedView(e)
	}
	return v
}

func (b BudgetUse) view() BudgetView {
	return BudgetView{
		Side: b.Budget.Side, Limit: b.Budget.Limit, Cumulative: b.Budget.Cumulative, Verdict: b.Budget.Verdict,
		AllowedSeconds: b.AllowedSeconds(), UsedSeconds: b.UsedSeconds, LeftSeconds: b.LeftSeconds(),
		UsedUpAt: orNull(b.UsedUpAt),
	}
}

// Assessment returns what v shows.
func (v *View) Assessment() *Assessment {
	a := &Assessment{
		Shipment: v.ShipmentID, Verdict: v.Verdict, SecondsOutside: v.SecondsOutside, MKT: v.MKT,
		TracePoints: v.TracePoints, Min: v.Min, Max: v.Max,
		ComputedAt: v.ComputedAt, DataUntil: orZero(v.DataUntil), Explanation: v.Explanation,
	}
	for _, e := range v.Excursions {
		a.Excursions = append(a.Excursions, Excursion(e))
	}
	for _, b := range v.Budgets {
		a.Budgets = append(a.Budgets, b.use())
	}
	for _, g := range v.Gaps {
		a.Gaps = append(a.Gaps, Gap{From: g.From, To: g.To})
	}
	for _, e := range v.Excluded {
		a.Excluded = append(a.Excluded, Excluded(e))
	}
	return a
}

func (b BudgetView) use() BudgetUse {
	return BudgetUse{
		Budget: shipments.Budget{
			Side: b.Side, Limit: b.Limit, Cumulative: b.Cumulative, Verdict: b.Verdict,
			For: time.Duration(b.AllowedSeconds * float64(time.Second)),
		},
		UsedSeconds: b.UsedSeconds, UsedUpAt: orZero(b.UsedUpAt),
	}
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// MarshalJSON writes what [Assessment.View] shows.
func (a Assessment) MarshalJSON() ([]byte, error) { return json.Marshal(a.View()) }

// UnmarshalJSON reads what [Assessment.MarshalJSON] wrote.
func (a *Assessment) UnmarshalJSON(text []byte) error {
	var v View
	if err := json.Unmarshal(text, &v); err != nil {
		return fmt.Errorf("read assessment: %w", err)
	}
	*a = *v.Assessment()
	return nil
}
