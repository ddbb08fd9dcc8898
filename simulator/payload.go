package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"telltale/devices"
)

// topicPrefix begins all native topics.
const topicPrefix = "telltale/"

// telemetryTopic is where a device publishes its reports.
func telemetryTopic(id devices.ID) string { return topicPrefix + string(id) + "/telemetry" }

// statusTopic is where a device, or the broker for it, says whether it is
// there.
func statusTopic(id devices.ID) string { return topicPrefix + string(id) + "/status" }

// Payload returns a report in the native form. Numbers are as short as they
// can be written; switches are true and false.
func Payload(r devices.Report) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"ts":%d,"seq":%d,"values":{`, r.ObservedAt.UnixMilli(), r.Seq)
	for i, reading := range r.Readings {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(quote(reading.Metric))
		b.WriteByte(':')
		b.Write(encodeValue(reading))
	}
	b.WriteByte('}')
	if r.Faults != nil {
		b.WriteString(`,"faults":[`)
		for i, code := range r.Faults {
			if i > 0 {
				b.WriteByte(',')
			}
			b.Write(quote(code))
		}
		b.WriteByte(']')
	}
	b.WriteByte('}')
	return b.Bytes()
}

func encodeValue(r devices.Reading) []byte {
	switch {
	case r.Value.IsLabel():
		return quote(r.Value.Label)
	case isSwitch(r.Metric):
		return strconv.AppendBool(nil, r.Value.Number != 0)
	default:
		return strconv.AppendFloat(nil, r.Value.Number, 'f', -1, 64)
	}
}

func isSwitch(metric string) bool {
	return metric == "door_open" || metric == "mains" || metric == "leak"
}

func quote(text string) []byte {
	quoted, _ := json.Marshal(text) // a string always has a JSON form
	return quoted
}
