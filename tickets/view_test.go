package tickets

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/rules"
)

// TestViewsHaveTheContractsFields pins what people's scripts read.
func TestViewsHaveTheContractsFields(t *testing.T) {
	t.Parallel()
	at, nine := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), 9.0
	tests := []struct {
		name string
		view any
		want string
	}{
		{"a new ticket without an owner", (&Ticket{
			ID: "T-000042", Number: 42, Status: New, Priority: High, Subject: "fridge-1: warm", DeviceID: "fridge-1",
			RuleID: "warm", AlarmIDs: []string{"A-1"}, Occurrences: 3, OpenedAt: at, ObservedAt: at, UpdatedAt: at,
		}).View(), `{"id":"T-000042","number":42,"status":"new","priority":"high","subject":"fridge-1: warm",` +
			`"customer_id":null,"contact_id":null,"device_id":"fridge-1","rule_id":"warm","alarm_ids":["A-1"],"occurrences":3,` +
			`"opened_at":"2026-03-01T12:00:00Z","observed_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:00:00Z",` +
			`"solved_at":null,"closed_at":null,"team":"","assignee":"","article_id":null,"external_refs":{}}`},
		{"a closed ticket with its timeline", (&Ticket{
			ID: "T-000001", Number: 1, Status: Closed, Priority: Low, CustomerID: "C-1", ContactID: "P-1", Team: "cold", Assignee: "ana",
			ArticleID: "KB-7", OpenedAt: at, ObservedAt: at, UpdatedAt: at, SolvedAt: at, ClosedAt: at,
			ExternalRefs: map[string]string{"hubspot": "51"},
			Timeline:     []Entry{{ID: 7, At: at, Actor: "ana", Kind: EntryComment, Text: "Done.", Public: true}},
		}).View(), `{"id":"T-000001","number":1,"status":"closed","priority":"low","subject":"",` +
			`"customer_id":"C-1","contact_id":"P-1","device_id":null,"rule_id":null,"alarm_ids":[],"occurrences":0,` +
			`"opened_at":"2026-03-01T12:00:00Z","observed_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:00:00Z",` +
			`"solved_at":"2026-03-01T12:00:00Z","closed_at":"2026-03-01T12:00:00Z","team":"cold","assignee":"ana",` +
			`"article_id":"KB-7","external_refs":{"hubspot":"51"},` +
			`"timeline":[{"id":7,"at":"2026-03-01T12:00:00Z","actor":"ana","kind":"comment","text":"Done.","public":true}]}`},
		{"an alarm", (&Alarm{
			ID: "A-1", Key: rules.Key{Rule: "warm", Subject: rules.Subject{Type: "device", ID: "fridge-1"}}, RuleVersion: 3,
			Mode: rules.Live, Severity: rules.Major, PendingSince: at, RaisedAt: at, Occurrences: 2, TicketID: "T-000042",
			Values: map[string]devices.Value{
				"temperature": devices.Number(9.4), "mode": devices.Label("defrost"), "broken": devices.Number(math.NaN())},
			Faults: []string{"E21"}, Explanation: []string{"It was warm."}, Trace: "p3/10293/17",
		}).View(), `{"id":"A-1","rule_id":"warm","rule_version":3,"mode":"live","subject":{"type":"device","id":"fridge-1"},` +
			`"severity":"major","pending_since":"2026-03-01T12:00:00Z","raised_at":"2026-03-01T12:00:00Z","cleared_at":null,` +
			`"acknowledged_at":null,"acknowledged_by":null,"shelved_until":null,"shelved_by":null,"shelve_reason":null,"unshelved_at":null,` +
			`"latched":false,"chattering":false,"occurrences":2,"values":{"broken":null,"mode":"defrost","temperature":9.4},"faults":["E21"],` +
			`"explanation":["It was warm."],"trace":"p3/10293/17","ticket_id":"T-000042","withdrawn_at":null,"computed":[],"time_to_limit":null,"held_by":[],"severity_steps":[]}`},
		{"what an alarm was decided by", (&Alarm{
			ID: "A-2", PendingSince: at, RaisedAt: at, Evidence: rules.Evidence{
				Computed: []rules.Computed{{Call: `avg(temperature, "10m")`, Value: &nine, Unit: "Cel"}, {Call: "anomaly(temperature)"}},
				Outlook:  &rules.Outlook{Metric: "temperature", Limit: 12, Unit: "Cel", At: at.Add(time.Minute), InSeconds: 60},
				Held:     []rules.Suppression{{By: "door", Why: "while door was active", From: at}},
			},
			Steps: []SeverityStep{{At: at, From: "minor", To: "major", Why: "Active for 30m."}},
		}).View(), `{"id":"A-2","rule_id":"","rule_version":0,"mode":"","subject":{"type":"","id":""},"severity":"info",` +
			`"pending_since":"2026-03-01T12:00:00Z","raised_at":"2026-03-01T12:00:00Z","cleared_at":null,` +
			`"acknowledged_at":null,"acknowledged_by":null,"shelved_until":null,"shelved_by":null,"shelve_reason":null,"unshelved_at":null,` +
			`"latched":false,"chattering":false,"occurrences":0,"values":{},"faults":[],"explanation":[],"ticket_id":null,"withdrawn_at":null,` +
			`"computed":[{"call":"avg(temperature, \"10m\")","value":9,"unit":"Cel"},{"call":"anomaly(temperature)","value":null,"unit":""}],` +
			`"time_to_limit":{"metric":"temperature","limit":12,"unit":"Cel","at":"2026-03-01T12:01:00Z","in_seconds":60},` +
			`"held_by":[{"by":"door","why":"while door was active","from":"2026-03-01T12:00:00Z"}],` +
			`"severity_steps":[{"at":"2026-03-01T12:00:00Z","from":"minor","to":"major","why":"Active for 30m."}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := json.Marshal(tt.view)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("JSON (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTicketIDsAreReadBack(t *testing.T) {
	t.Parallel()
	for _, number := range []int64{1, 42, 999_999, 1_000_000, math.MaxInt64} {
		if got, ok := ParseID(FormatID(number)); !ok || got != number {
			t.Errorf("%d is %s is %d, %v", number, FormatID(number), got, ok)
		}
	}
	for _, id := range []string{"", "T-", "T-42", "42", "T-0000042", "T-000000", "T--00001", "t-000042", "T-00004 ", "T-99999999999999999999"} {
		if got, ok := ParseID(id); ok {
			t.Errorf("%q is read as %d", id, got)
		}
	}
}
