package console

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"telltale/devices"
	"telltale/ingest/codec"
	"telltale/internal/declare"
	"telltale/internal/views"
)

// stranger is a device that sends and is not declared, with what can be known
// of it.
type stranger struct {
	views.UnclaimedRow
	Metrics   []namedSample
	Complaint string // why its last message cannot be decoded; "" when it can
	Guesses   []devices.Guess
}

// namedSample is a metric by the device's name and its last value.
type namedSample struct {
	Name, Value, Unit string
}

// strangerOf decodes the last message of a device and compares its metrics
// with the models.
func (s *Server) strangerOf(row views.UnclaimedRow, models map[string]*devices.Model) stranger {
	out := stranger{UnclaimedRow: row}
	if len(row.Payload) == 0 {
		return out
	}
	reports, err := s.deps.Replayer.Preview(previewed(row))
	if err != nil {
		out.Complaint = err.Error()
		return out
	}
	seen := map[string]devices.Sample{}
	for _, r := range reports {
		if r.Device != row.ID {
			continue
		}
		for i, reading := range r.Readings {
			sample := devices.Sample{Name: reading.Metric, Value: reading.Value}
			if i < len(r.Units) {
				sample.Unit = r.Units[i]
			}
			seen[reading.Metric] = sample
		}
	}
	var samples []devices.Sample
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		sample := seen[name]
		samples = append(samples, sample)
		out.Metrics = append(out.Metrics, namedSample{Name: name, Value: sample.Value.String(), Unit: sample.Unit})
	}
	out.Guesses = devices.GuessModels(samples, s.framed(row.Source), slices.Collect(maps.Values(models)))
	return out
}

// framed reports whether a source hands out LoRaWAN frames.
func (s *Server) framed(source string) bool {
	return slices.ContainsFunc(s.deps.Sources.Sources(), func(known codec.Source) bool {
		return cmp.Or(known.Name, known.Filter) == source && (known.Codec == "chirpstack" || known.Codec == "ttn")
	})
}

// Claim is what a person or program says of a device that is not declared.
type Claim struct {
	Model    string    `json:"model" minLength:"1" doc:"what it is"`
	Customer string    `json:"customer,omitempty" doc:"who owns it"`
	Site     string    `json:"site,omitempty"`
	Serial   string    `json:"serial,omitempty"`
	From     time.Time `json:"from,omitempty" doc:"since when the customer owns it; its first message when absent"`
}

// claimDevices declares devices as c says, all or none, and returns what that
// changed. Their messages are replayed by the gateways from then on.
func (s *Server) claimDevices(ctx context.Context, ids []devices.ID, c Claim) (declare.Plan, error) {
	claims := make([]declare.Claim, len(ids))
	for i, id := range ids {
		row, err := s.deps.Quarantine.Unclaimed(ctx, id)
		if err != nil {
			return declare.Plan{}, err
		}
		since := c.From
		if since.IsZero() {
			since = row.FirstAt
		}
		claims[i] = declare.Claim{
			Device: id, Model: c.Model, Customer: c.Customer, Site: c.Site, Serial: c.Serial, Since: since.Truncate(time.Second),
		}
	}
	set, err := declare.ClaimSet(claims)
	if err != nil {
		return declare.Plan{}, err
	}
	return s.deps.Declarations.Apply(ctx, set, actorOf(ctx))
}

// Likeliest is the model to propose, "" when none fits.
func (u stranger) Likeliest() string {
	if len(u.Guesses) == 0 {
		return ""
	}
	return u.Guesses[0].Model
}
