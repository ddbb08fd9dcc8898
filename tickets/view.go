package tickets

import (
	"math"
	"time"

	"telltale/devices"
	"telltale/rules"
)

// View is a ticket as the REST interface and the events show it.
type View struct {
	ID           string            `json:"id"`
	Number       int64             `json:"number"`
	Status       Status            `json:"status" enum:"new,open,pending,on_hold,solved,closed"`
	Priority     Priority          `json:"priority" enum:"low,normal,high,urgent"`
	Subject      string            `json:"subject"`
	CustomerID   *string           `json:"customer_id" doc:"who owned the device at the fault; null: nobody"`
	ContactID    *string           `json:"contact_id"`
	DeviceID     *string           `json:"device_id"`
	RuleID       *string           `json:"rule_id"`
	AlarmIDs     []string          `json:"alarm_ids"`
	Occurrences  int64             `json:"occurrences"`
	OpenedAt     time.Time         `json:"opened_at"`
	ObservedAt   time.Time         `json:"observed_at" doc:"event time of the fault"`
	UpdatedAt    time.Time         `json:"updated_at"`
	SolvedAt     *time.Time        `json:"solved_at"`
	ClosedAt     *time.Time        `json:"closed_at"`
	Team         string            `json:"team"`
	Assignee     string            `json:"assignee"`
	ArticleID    *string           `json:"article_id"`
	ExternalRefs map[string]string `json:"external_refs" doc:"system to id there"`
	Timeline     []EntryView       `json:"timeline,omitempty" doc:"ascending; when one ticket is read, all of it; in an event, the lines that are new"`
}

// EntryView is a timeline entry as it is shown.
type EntryView struct {
	ID     int64     `json:"id,omitempty" doc:"left out in events"`
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Kind   string    `json:"kind"`
	Text   string    `json:"text"`
	Public bool      `json:"public"`
	Trace  string    `json:"trace,omitempty"`
}

// AlarmView is an alarm as the REST interface and the events show it.
type AlarmView struct {
	ID             string         `json:"id"`
	RuleID         string         `json:"rule_id"`
	RuleVersion    int            `json:"rule_version"`
	Mode           string         `json:"mode" enum:"live,shadow"`
	Subject        SubjectView    `json:"subject"`
	Severity       string         `json:"severity" enum:"info,minor,major,critical"`
	PendingSince   time.Time      `json:"pending_since"`
	RaisedAt       time.Time      `json:"raised_at"`
	ClearedAt      *time.Time     `json:"cleared_at"`
	AcknowledgedAt *time.Time     `json:"acknowledged_at"`
	AcknowledgedBy *string        `json:"acknowledged_by"`
	ShelvedUntil   *time.Time     `json:"shelved_until"`
	ShelvedBy      *string        `json:"shelved_by"`
	ShelveReason   *string        `json:"shelve_reason"`
	UnshelvedAt    *time.Time     `json:"unshelved_at" doc:"when the shelf ended: by its time, by a person or with the condition; null: it stands, or never was"`
	Latched        bool           `json:"latched" doc:"stays open until acknowledged"`
	Chattering     bool           `json:"chattering" doc:"came and went too often, and is held as one alarm until it has been quiet"`
	Occurrences    int64          `json:"occurrences"`
	Values         map[string]any `json:"values" doc:"numbers and labels the decision saw"`
	Faults         []string       `json:"faults"`
	Explanation    []string       `json:"explanation"`
	Trace          string         `json:"trace,omitempty"`
	TicketID       *string        `json:"ticket_id"`

	WithdrawnAt *time.Time         `json:"withdrawn_at" doc:"when late readings showed that it would not have been raised; null: they have not"`
	Earlier     []AlarmVersionView `json:"earlier,omitempty" doc:"what was told before late readings amended it, in order"`

	Computed      []rules.Computed    `json:"computed" doc:"what the functions of the condition came to when it was raised"`
	TimeToLimit   *rules.Outlook      `json:"time_to_limit" doc:"when a value is expected to pass the limit that its forecast was compared with; null: no forecast decided"`
	HeldBy        []rules.Suppression `json:"held_by" doc:"what held it back before it was raised"`
	SeveritySteps []SeverityStep      `json:"severity_steps" doc:"the latest changes of its severity"`
}

// AlarmVersionView is an earlier version of an alarm as it is shown, and as
// it is stored.
type AlarmVersionView struct {
	RaiseID      string     `json:"raise_id" doc:"the raise that was amended; not the alarm's id when it took in several"`
	Revision     int        `json:"revision" doc:"the amendment that replaced this version, from 1"`
	PendingSince time.Time  `json:"pending_since"`
	RaisedAt     time.Time  `json:"raised_at"`
	ClearedAt    *time.Time `json:"cleared_at" doc:"null: the condition held"`
	Severity     string     `json:"severity" enum:"info,minor,major,critical"`
	Occurrences  int64      `json:"occurrences"`

	Computed    []rules.Computed    `json:"computed,omitempty" doc:"what the functions of the condition came to, where the amendment has others"`
	TimeToLimit *rules.Outlook      `json:"time_to_limit,omitempty"`
	HeldBy      []rules.Suppression `json:"held_by,omitempty"`

	ReplacedAt time.Time `json:"replaced_at" doc:"until then this version was known"`
	Reason     string    `json:"reason"`
	Trace      string    `json:"trace,omitempty"`
}

// SubjectView is what an alarm is about.
type SubjectView struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

// View returns t as it is shown. It shares t's lists and maps.
func (t *Ticket) View() View {
	view := View{
		ID: t.ID, Number: t.Number, Status: t.Status, Priority: t.Priority, Subject: t.Subject,
		CustomerID: orNull(t.CustomerID), ContactID: orNull(t.ContactID),
		DeviceID: orNull(t.DeviceID), RuleID: orNull(t.RuleID),
		AlarmIDs: orEmpty(t.AlarmIDs), Occurrences: t.Occurrences,
		OpenedAt: t.OpenedAt, ObservedAt: t.ObservedAt, UpdatedAt: t.UpdatedAt,
		SolvedAt: orNull(t.SolvedAt), ClosedAt: orNull(t.ClosedAt),
		Team: t.Team, Assignee: t.Assignee, ArticleID: orNull(t.ArticleID),
		ExternalRefs: t.ExternalRefs,
	}
	if view.ExternalRefs == nil {
		view.ExternalRefs = map[string]string{}
	}
	for _, e := range t.Timeline {
		view.Timeline = append(view.Timeline, EntryView(e))
	}
	return view
}

// View returns a as it is shown. It shares a's lists.
func (a *Alarm) View() AlarmView {
	return AlarmView{
		ID: a.ID, RuleID: a.Key.Rule, RuleVersion: a.RuleVersion, Mode: string(a.Mode),
		Subject:  SubjectView{Type: a.Key.Subject.Type, ID: a.Key.Subject.ID},
		Severity: a.Severity.String(), PendingSince: a.PendingSince, RaisedAt: a.RaisedAt,
		ClearedAt:      orNull(a.ClearedAt),
		AcknowledgedAt: orNull(a.AcknowledgedAt), AcknowledgedBy: orNull(a.AcknowledgedBy),
		ShelvedUntil: orNull(a.ShelvedUntil), ShelvedBy: orNull(a.ShelvedBy), ShelveReason: orNull(a.ShelveReason),
		UnshelvedAt: orNull(a.UnshelvedAt), Latched: a.Latched, Chattering: a.Chattering, Occurrences: a.Occurrences, Values: PlainValues(a.Values),
		Faults: orEmpty(a.Faults), Explanation: orEmpty(a.Explanation),
		Trace: a.Trace, TicketID: orNull(a.TicketID),
		WithdrawnAt: orNull(a.WithdrawnAt), Earlier: VersionViews(a.Earlier),
		Computed: orEmpty(a.Evidence.Computed), TimeToLimit: a.Evidence.Outlook, HeldBy: orEmpty(a.Evidence.Held),
		SeveritySteps: orEmpty(a.Steps),
	}
}

// VersionViews returns versions as they are shown and stored.
func VersionViews(versions []AlarmVersion) []AlarmVersionView {
	var views []AlarmVersionView
	for _, v := range versions {
		views = append(views, AlarmVersionView{
			RaiseID: v.RaiseID, Revision: v.Revision, PendingSince: v.PendingSince, RaisedAt: v.RaisedAt,
			ClearedAt: orNull(v.ClearedAt), Severity: v.Severity.String(), Occurrences: v.Occurrences,
			Computed: v.Evidence.Computed, TimeToLimit: v.Evidence.Outlook, HeldBy: v.Evidence.Held,
			ReplacedAt: v.ReplacedAt, Reason: v.Reason, Trace: v.Trace,
		})
	}
	return views
}

// PlainValues returns values as JSON can hold them: numbers, labels, and null
// for what is not a number.
func PlainValues(values map[string]devices.Value) map[string]any {
	plain := make(map[string]any, len(values))
	for name, v := range values {
		switch {
		case v.IsLabel():
			plain[name] = v.Label
		case math.IsNaN(v.Number) || math.IsInf(v.Number, 0):
			plain[name] = nil
		default:
			plain[name] = v.Number
		}
	}
	return plain
}

// orNull returns a pointer to v, nil for the zero value.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
