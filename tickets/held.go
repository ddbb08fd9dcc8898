package tickets

import (
	"time"

	"telltale/devices"
	"telltale/rules"
)

// HeldAlarm is an alarm that would have been raised but for something that held
// it back: an alarm of another rule, or planned work. It is the record of a
// decision, and nobody acts on it.
type HeldAlarm struct {
	ID          string // as the engine has it; no alarm has the same
	Key         rules.Key
	RuleVersion int
	Mode        rules.Mode
	Severity    rules.Severity // it would have had at first

	PendingSince time.Time // event time of the first breaching reading
	HeldSince    time.Time // event time at which it would have been raised
	EndedAt      time.Time // event time; zero: it is held back still
	AlarmID      string    // the alarm that it was raised as in the end; "": none
	Why          string    // it is held back no longer; "": it is

	Occurrences int64
	Values      map[string]devices.Value
	Faults      []string
	Explanation []string
	Evidence    rules.Evidence // Held is what held it back, oldest first
	Trace       string         // position in the log of the report that it would have been raised by
	Revision    int            // how often late readings have changed it
	KnownAt     time.Time      // our clock
}

// HeldQuery selects alarms that were held back. Empty fields select all.
type HeldQuery struct {
	Device string
	Rule   string
	Active *bool  // whether it is held back still; nil: either
	After  string // the list goes on behind this id, with older ones
	Limit  int    // at most so many; zero: all
}

// suppress records that something holds an alarm back, or something more.
func (b *book) suppress(t *rules.Transition) {
	h := b.held[t.AlarmID]
	switch {
	case h == nil:
		h = &HeldAlarm{
			ID: t.AlarmID, Key: t.Key, RuleVersion: t.RuleVersion, Mode: t.Mode, Severity: t.Severity,
			PendingSince: t.PendingSince, HeldSince: t.RaisedAt, Occurrences: max(t.Occurrences, 1),
			Values: t.Values, Faults: t.Faults, Explanation: t.Explanation, Evidence: t.Evidence, Trace: t.Trace,
			Revision: t.Revision, KnownAt: b.now,
		}
	case t.Revision > h.Revision: // it had not ended after all
		h.Revision, h.EndedAt, h.AlarmID, h.Why = t.Revision, time.Time{}, "", ""
		h.hold(t)
	case t.Revision == h.Revision && h.EndedAt.IsZero() && len(t.Evidence.Held) > len(h.Evidence.Held):
		h.hold(t)
	default:
		return
	}
	b.changeHeld(h)
}

// hold takes in what holds the alarm back now.
func (h *HeldAlarm) hold(t *rules.Transition) {
	h.Evidence.Held, h.Occurrences = t.Evidence.Held, max(h.Occurrences, t.Occurrences)
	h.Explanation = addMissing(h.Explanation, t.Explanation)
}

// release records that nothing holds an alarm back any more.
func (b *book) release(t *rules.Transition) {
	h := b.held[t.AlarmID]
	if h == nil || t.Revision < h.Revision || t.Revision == h.Revision && !h.EndedAt.IsZero() {
		return
	}
	h.Revision, h.EndedAt, h.AlarmID = t.Revision, t.At, t.Becomes
	if m, merged := b.merges[t.Becomes]; merged {
		h.AlarmID = m.AlarmID
	}
	if h.EndedAt.Before(h.HeldSince) {
		h.EndedAt = h.HeldSince
	}
	if len(t.Evidence.Held) > 0 {
		h.Evidence.Held = t.Evidence.Held
	}
	h.Occurrences = max(h.Occurrences, t.Occurrences)
	if n := len(t.Explanation); n > 0 {
		h.Why = t.Explanation[n-1]
	}
	b.changeHeld(h)
}

// changeHeld must follow every change of an alarm that was held back.
func (b *book) changeHeld(h *HeldAlarm) {
	b.held[h.ID] = h
	if !b.touched[h] {
		b.touched[h] = true
		b.changes.Held = append(b.changes.Held, h)
	}
}

// HeldAlarmView is an alarm that was held back, as the REST interface shows it.
type HeldAlarmView struct {
	ID           string              `json:"id"`
	RuleID       string              `json:"rule_id"`
	RuleVersion  int                 `json:"rule_version"`
	Mode         string              `json:"mode" enum:"live,shadow"`
	Subject      SubjectView         `json:"subject"`
	Severity     string              `json:"severity" enum:"info,minor,major,critical" doc:"it would have had at first"`
	PendingSince time.Time           `json:"pending_since" doc:"event time of the first breaching reading"`
	HeldSince    time.Time           `json:"held_since" doc:"event time at which it would have been raised"`
	EndedAt      *time.Time          `json:"ended_at" doc:"null: it is held back still"`
	AlarmID      *string             `json:"alarm_id" doc:"the alarm that it was raised as in the end; null: none"`
	Why          string              `json:"why" doc:"it is held back no longer; empty: it is"`
	HeldBy       []rules.Suppression `json:"held_by" doc:"what held it back, oldest first"`
	Occurrences  int64               `json:"occurrences"`
	Values       map[string]any      `json:"values" doc:"numbers and labels the decision saw"`
	Faults       []string            `json:"faults"`
	Explanation  []string            `json:"explanation"`
	Computed     []rules.Computed    `json:"computed" doc:"what the functions of the condition came to"`
	TimeToLimit  *rules.Outlook      `json:"time_to_limit"`
	Trace        string              `json:"trace,omitempty"`
	KnownAt      time.Time           `json:"known_at" doc:"our clock"`
}

// View returns h as it is shown. It shares h's lists.
func (h *HeldAlarm) View() HeldAlarmView {
	return HeldAlarmView{
		ID: h.ID, RuleID: h.Key.Rule, RuleVersion: h.RuleVersion, Mode: string(h.Mode),
		Subject: SubjectView{Type: h.Key.Subject.Type, ID: h.Key.Subject.ID}, Severity: h.Severity.String(),
		PendingSince: h.PendingSince, HeldSince: h.HeldSince, EndedAt: orNull(h.EndedAt), AlarmID: orNull(h.AlarmID), Why: h.Why,
		HeldBy: orEmpty(h.Evidence.Held), Occurrences: h.Occurrences, Values: PlainValues(h.Values), Faults: orEmpty(h.Faults),
		Explanation: orEmpty(h.Explanation), Computed: orEmpty(h.Evidence.Computed), TimeToLimit: h.Evidence.Outlook,
		Trace: h.Trace, KnownAt: h.KnownAt,
	}
}
