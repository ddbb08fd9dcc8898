package ingest

import (
	"encoding/json"
	"fmt"
	"time"

	"telltale/devices"
)

// HistoryRefused says that a reading was taken, judged by the rules, and then
// refused by the store of readings.
const HistoryRefused Reason = "history_refused"

// RefusedByHistory returns the quarantine's entry for a report whose readings
// the store of readings will never take as things are. Its payload is the
// report in the native format with the time that it was stored under, so a
// replay gives it to the store again; the rules have seen it and pass it by.
func RefusedByHistory(r *devices.Report, why string) (Quarantined, error) {
	values := make(map[string]any, len(r.Readings))
	for _, reading := range r.Readings {
		values[reading.Metric] = reading.Value.Number
		if reading.Value.IsLabel() {
			values[reading.Metric] = reading.Value.Label
		}
	}
	payload, err := json.Marshal(struct {
		TS     string         `json:"ts"`
		Values map[string]any `json:"values"`
	}{r.ObservedAt.UTC().Format(time.RFC3339Nano), values})
	if err != nil {
		return Quarantined{}, fmt.Errorf("write down what history refused of %s: %w", r.Device, err)
	}
	topic := "telltale/" + string(r.Device) + "/telemetry"
	return Quarantined{
		ID: quarantinedID(HistoryRefused, topic, payload), Reason: HistoryRefused,
		Detail: fmt.Sprintf("readings of %s: %s", r.Device, why), Topic: topic, Payload: payload,
		Devices: []devices.ID{r.Device}, ReceivedAt: r.ReceivedAt, ObservedAt: r.ObservedAt,
	}, nil
}
