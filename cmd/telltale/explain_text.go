package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"telltale/devices"
	"telltale/internal/views"
	"telltale/rules"
)

// computedOrNot prints what a function came to.
func computedOrNot(c rules.Computed) string {
	if c.Value == nil {
		return "not known then"
	}
	return computedText(*c.Value, c.Unit)
}

func subjectText(a *views.AlarmAccount) string {
	text := a.Subject.Type + " " + a.Subject.ID
	if a.Device == nil {
		return text + ", no longer declared"
	}
	text += " (" + a.Device.Model
	if a.Device.Serial != "" {
		text += ", serial " + a.Device.Serial
	}
	text += ")"
	if a.Device.Site != "" {
		text += " at " + a.Device.Site
	}
	return text
}

func customerText(a *views.AlarmAccount) string {
	if a.Customer == nil {
		return "nobody owned it at the fault"
	}
	return fmt.Sprintf("%s (%s)", a.Customer.Name, a.Customer.ID)
}

func clearedText(a *views.AlarmAccount) string {
	switch {
	case a.ClearedAt != nil:
		return exactly(*a.ClearedAt) + ", after " + devices.Span(a.ClearedAt.Sub(a.RaisedAt))
	case a.Chattering:
		return "no: it came and went too often, and is held until it has been quiet"
	default:
		return "no"
	}
}

func acknowledgedText(a *views.AlarmAccount) string {
	switch {
	case a.AcknowledgedAt != nil:
		return exactly(*a.AcknowledgedAt) + " by " + *a.AcknowledgedBy
	case a.Latched:
		return "no: it latches, and stays open until somebody does"
	default:
		return "no"
	}
}

func shelvedText(a *views.AlarmAccount) string {
	if a.ShelvedUntil == nil || a.ShelvedBy == nil {
		return ""
	}
	text := "until " + exactly(*a.ShelvedUntil) + " by " + *a.ShelvedBy
	if a.ShelveReason != nil {
		text += ": " + *a.ShelveReason
	}
	if a.UnshelvedAt != nil {
		text += "; ended " + exactly(*a.UnshelvedAt)
	}
	return text
}

func ticketText(a *views.AlarmAccount) string {
	switch {
	case a.Ticket != nil:
		return fmt.Sprintf("%s, %s: %s", a.Ticket.ID, strings.ReplaceAll(string(a.Ticket.Status), "_", " "), a.Ticket.Subject)
	case a.Mode == "shadow":
		return "none: the rule is on trial"
	default:
		return "none: the rule makes no ticket"
	}
}

func flags(a *views.AlarmAccount) string {
	if a.Chattering {
		return ", chattering"
	}
	return ""
}

func exactly(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func after(from, to time.Time, atOnce, behind string) string {
	if !to.After(from) {
		return atOnce
	}
	return devices.Span(to.Sub(from)) + " " + behind
}

func valueText(v any, unit string) string {
	switch v := v.(type) {
	case float64:
		return measure(v, unit)
	case string:
		return v
	default:
		return "not known then"
	}
}

// computedText prints what a function came to; times as people say them.
func computedText(v float64, unit string) string {
	if unit == "s" {
		return devices.Span(time.Duration(v * float64(time.Second)))
	}
	return measure(v, unit)
}

// measure prints a number with its unit, and a switch as yes or no.
func measure(v float64, unit string) string {
	if unit == "bool" {
		if v != 0 {
			return "yes"
		}
		return "no"
	}
	number := strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(v, 'f', 3, 64), "0"), ".")
	return strings.TrimSpace(number + " " + devices.UnitSymbol(unit))
}
