package declare

import (
	"encoding/json"
	"fmt"
	"time"

	"telltale/devices"
)

// Claim says what to declare a device as that has sent already.
type Claim struct {
	Device   devices.ID
	Model    string
	Customer string // who owns it; "" nobody
	Site     string
	Serial   string
	Since    time.Time // when it was heard first: from then on the customer owns it
}

// ClaimSet returns the claims as declarations. Faults name the device and are
// [Errors], as those of a file.
func ClaimSet(claims []Claim) (*Set, error) {
	sources := make([]Source, len(claims))
	for i, c := range claims {
		// JSON is YAML: the claim takes the way of every declaration, checks
		// included.
		text, err := json.Marshal(c.document())
		if err != nil {
			return nil, fmt.Errorf("claim %s: %w", c.Device, err)
		}
		sources[i] = Source{Name: "claim of " + string(c.Device), Text: text}
	}
	return ParseSources(sources...)
}

func (c Claim) document() map[string]any {
	doc := map[string]any{"kind": "Device", "id": string(c.Device), "model": c.Model}
	if c.Site != "" {
		doc["site"] = c.Site
	}
	if c.Serial != "" {
		doc["serial"] = c.Serial
	}
	if c.Customer != "" {
		doc["owners"] = []map[string]string{{"customer": c.Customer, "from": c.Since.UTC().Format(time.RFC3339)}}
	}
	return doc
}
