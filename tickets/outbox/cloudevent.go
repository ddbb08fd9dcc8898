package outbox

import (
	"encoding/json"
	"time"
)

// cloudEvent is an [Event] in the JSON format of CloudEvents 1.0, structured
// mode.
type cloudEvent struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Subject         string          `json:"subject,omitempty"`
	Time            time.Time       `json:"time"`
	DataContentType string          `json:"datacontenttype"`
	PartitionKey    string          `json:"partitionkey,omitempty"` // CloudEvents partitioning extension
	TraceParent     string          `json:"traceparent,omitempty"`  // CloudEvents distributed tracing extension
	Trace           string          `json:"trace,omitempty"`        // our own: what `telltale trace` takes
	Data            json.RawMessage `json:"data"`
}

const (
	cloudEventsVersion = "1.0"
	cloudEventsType    = "application/cloudevents+json; charset=utf-8"
)

// encode returns the event as a CloudEvent from a source.
func (e *Event) encode(source string) ([]byte, error) {
	return json.Marshal(cloudEvent{
		SpecVersion: cloudEventsVersion, ID: e.ID, Source: source, Type: e.Type, Subject: e.Subject,
		Time: e.At.UTC(), DataContentType: "application/json", PartitionKey: e.OrderingKey,
		TraceParent: e.traceParent(), Trace: e.Trace, Data: e.Data,
	})
}
