package backtest

import (
	"math"
	"time"

	"telltale/devices"
	"telltale/rules"
)

// Figures are what people want to know of a rule before they switch it on.
type Figures struct {
	Alarms  int     `json:"alarms"`
	Tickets int     `json:"tickets"` // that the alarms would have opened, were the rules live
	Devices int     `json:"devices"` // that had an alarm
	Minutes float64 `json:"minutes"` // in alarm, all devices together
	PerWeek Rates   `json:"per_week"`
}

// Rates are figures for a week; zero where less than a day was played, which
// says nothing about weeks.
type Rates struct {
	Alarms  float64 `json:"alarms"`
	Tickets float64 `json:"tickets"`
	Minutes float64 `json:"minutes"`
}

// FiguresOf counts alarms that were raised in a stretch of time. An alarm that
// is active at its end counts up to there. An alarm opens a ticket unless its
// rule makes none; one that latches keeps it open, since nobody acknowledges
// in a backtest, so its device gets no second one.
func FiguresOf(alarms []Alarm, ruleOf func(id string) (rules.Rule, bool), from, to time.Time) Figures {
	type latched struct {
		rule   string
		device devices.ID
	}
	f := Figures{Alarms: len(alarms)}
	concerned := make(map[devices.ID]bool)
	open := make(map[latched]bool)
	for i := range alarms {
		a := &alarms[i]
		concerned[a.Device] = true
		f.Minutes += a.end(to).Sub(a.RaisedAt).Minutes()
		rule, _ := ruleOf(a.RuleID)
		on := latched{a.RuleID, a.Device}
		if !rule.Ticket.None && !open[on] {
			f.Tickets++
			open[on] = rule.Latch
		}
	}
	f.Devices = len(concerned)
	f.Minutes = rounded(f.Minutes)
	if played := to.Sub(from); played >= 24*time.Hour {
		weeks := played.Hours() / (24 * 7)
		f.PerWeek = Rates{
			Alarms: rounded(float64(f.Alarms) / weeks), Tickets: rounded(float64(f.Tickets) / weeks), Minutes: rounded(f.Minutes / weeks),
		}
	}
	return f
}

// end is when the alarm was over, at the latest at a given time.
func (a *Alarm) end(latest time.Time) time.Time {
	if a.ClearedAt != nil {
		return *a.ClearedAt
	}
	if latest.Before(a.RaisedAt) {
		return a.RaisedAt
	}
	return latest
}

// rounded cuts what nobody reads.
func rounded(f float64) float64 { return math.Round(f*100) / 100 }
